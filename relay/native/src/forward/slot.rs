//! One slot: where a browser receives its partner's microphone, camera or screen.
//!
//! However often the source changes, the browser sees one stream: SSRC, sequence numbers, timestamps
//! and picture numbers go on, payload types and extension ids are its own. After a change, video is
//! held back until a keyframe.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::cache::Cache;
use crate::counters::Reason;
use crate::forward::budget::Budget;
use crate::forward::downstream::Downstream;
use crate::forward::line::{ExtensionIds, NumberedCodec};
use crate::forward::picture::PictureNumbers;
use crate::forward::playout::Playout;
use crate::forward::sent::{Sent, SentPackets};
use crate::forward::sequence::SequenceMap;
use crate::forward::timeline::Timeline;
use crate::ids::{LineId, Medium, PeerId, Seat, SlotId};
use crate::outbox::Unsent;
use crate::srtp::Outbound;
use crate::time::{NtpClock, Time};
use crate::wire::codecs::Codec;
use crate::wire::rtcp::ReportBlock;
use crate::wire::rtp::{Written, write_header};

/// Milliseconds until what came late, or was retransmitted, is sent once more on a lossy link: a short burst of loss is
/// over then.
const DUPLICATED_AFTER: u64 = 15;

/// Packets that wait for that at most.
const MOST_DUPLICATES: usize = 256;

/// Numbers that a source may leave out within a second. Receivers follow a stream's numbers no further than 2^15 past
/// what reached them (RFC 3711 section 3.3.1): who leaves out more could make them lose ours for good.
const MOST_LEFT_OUT: u64 = 1_000;

/// One authentic packet of a line.
#[derive(Clone, Copy, Debug)]
pub struct Media<'a> {
    /// Of its payload.
    pub codec: Codec,
    /// See [`crate::wire::rtp::Header::marker`].
    pub marker: bool,
    /// The sender's 48-bit packet index.
    pub index: u64,
    /// The sender's timestamp.
    pub timestamp: u32,
    /// The sender's stream.
    pub ssrc: u32,
    /// Without padding; empty if there was nothing else.
    pub payload: &'a [u8],
    /// The audio level extension (RFC 6464).
    pub audio_level: Option<&'a [u8]>,
    /// Whether a decoder can begin here.
    pub keyframe: bool,
    /// Whether it was missed at first, and was retransmitted.
    pub recovered: bool,
    /// By how much it came later than the fastest packets, in timestamp units, as far as the sender's reports tell.
    pub delay: Option<i32>,
}

/// Why a packet was not forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Nothing can be shown before a keyframe.
    AwaitingKeyframe,
    /// For good.
    Dropped(Reason),
}

impl From<Unsent> for Held {
    fn from(unsent: Unsent) -> Self {
        Self::Dropped(unsent.into())
    }
}

/// What negotiation says of a slot.
#[derive(Clone, Debug)]
pub struct SlotSetup {
    /// Of whom.
    pub seat: Seat,
    /// What it carries.
    pub medium: Medium,
    /// The section's name.
    pub mid: Vec<u8>,
    /// Ours.
    pub ssrc: u32,
    /// Of our retransmissions.
    pub rtx_ssrc: u32,
    /// Accepted.
    pub codecs: Vec<NumberedCodec>,
    /// Of this section.
    pub extensions: ExtensionIds,
}

impl SlotSetup {
    /// The slot's name, with that of its peer.
    pub fn id_of(&self, peer: PeerId) -> SlotId {
        SlotId { peer, seat: self.seat, medium: self.medium }
    }

    /// Append the header of a packet that leaves now; gives its length.
    fn write_header(
        &self,
        fields: Written,
        audio_level: Option<&[u8]>,
        playout: &Playout,
        sent_at: u32,
        packets: &mut Vec<u8>,
    ) -> usize {
        let sent_at = sent_at.to_be_bytes();
        let playout = self.extensions.playout_delay.and_then(|id| Some((id, playout.extension()?)));
        let extensions = [
            self.extensions.mid.map(|id| (id, self.mid.as_slice())),
            self.extensions.abs_send_time.map(|id| (id, &sent_at[1..])),
            self.extensions.audio_level.zip(audio_level),
            playout.as_ref().map(|(id, delay)| (*id, delay.as_slice())),
        ];
        write_header(packets, fields, extensions.into_iter().flatten())
    }
}

/// How the current source maps onto the slot. Made when its first packet passes.
#[derive(Debug)]
struct Mapping {
    ssrc: u32,
    codec: Codec,
    payload_type: u8,
    /// None: what is sent can't be retransmitted, so it is not kept.
    rtx_payload_type: Option<u8>,
    sequence: SequenceMap,
}

/// A slot and the stream in it.
#[derive(Debug)]
pub struct Slot {
    /// As negotiated.
    pub setup: SlotSetup,
    /// What it shows.
    pub source: Option<LineId>,
    mapping: Option<Mapping>,
    timeline: Timeline,
    pictures: PictureNumbers,
    /// The next free packet index.
    next: u64,
    /// Packets and payload bytes since the start, as reports count them.
    pub sent: (u32, u32),
    /// What can be retransmitted.
    pub kept: SentPackets,
    /// How long the receiver should keep what it shows.
    pub playout: Playout,
    /// Sequence numbers of what is sent once more on a lossy link, and when.
    duplicates: VecDeque<(u16, Time)>,
    /// The next free packet index of retransmissions.
    next_rtx: u64,
    /// Packets that should have come to the receiver by its latest report, and those that did not.
    arrived: (u64, u64),
    /// Numbers that the source left out, since when.
    left_out: (u64, Time),
    /// A report on the stream should go out soon.
    pub report_due: bool,
    /// When it was told that there is no codec in common.
    complained_at: Option<Time>,
}

impl Slot {
    /// An empty slot. First sequence number and timestamp are derived from the SSRC, which is random; the
    /// former below 2^15, so that early loss can't hide a wrap (RFC 3711 section 3.3.1).
    /// What it sends is kept in `cache`.
    pub fn new(setup: SlotSetup, cache: Arc<Cache>) -> Self {
        let rate = setup.codecs.first().map_or(90_000, |first| first.codec.clock_rate());
        Self {
            timeline: Timeline::new(rate, setup.ssrc.rotate_left(16)),
            next: u64::from(setup.ssrc & 0x7fff),
            kept: SentPackets::new(cache),
            playout: Playout::default(),
            duplicates: VecDeque::new(),
            next_rtx: u64::from(setup.rtx_ssrc & 0x7fff),
            setup,
            source: None,
            mapping: None,
            pictures: PictureNumbers::default(),
            sent: (0, 0),
            arrived: (0, 0),
            left_out: (0, Time::default()),
            report_due: false,
            complained_at: None,
        }
    }

    /// The receiver reports on the stream: packets that should have come to it and those that did not, since the
    /// last report. How far it is follows from how far we are, whatever it says of wraps. Numbers
    /// that we left out, because their packets were lost before they came here, are none of its link's losses. It may
    /// have fewer than none lost, if some came twice (RFC 3550 section 6.4.1).
    pub fn note_report(&mut self, block: &ReportBlock) -> (u64, u64) {
        let numbered = self.next - u64::from(self.setup.ssrc & 0x7fff);
        let behind = (self.next as u16).wrapping_sub(1).wrapping_sub(block.highest as u16);
        let left_out = numbered.saturating_sub(u64::from(self.sent.0));
        let expected = numbered.saturating_sub(u64::from(behind)).saturating_sub(left_out);
        let lost = if block.lost & 0x80_0000 == 0 { u64::from(block.lost) } else { 0 };
        let lost = lost.saturating_sub(left_out).min(expected);
        let (expected_before, lost_before) = self.arrived;
        self.arrived = (expected.max(expected_before), lost.max(lost_before));
        (self.arrived.0 - expected_before, self.arrived.1 - lost_before)
    }

    /// Show nothing more of the source before its next keyframe.
    pub fn await_keyframe(&mut self) {
        self.kept.clear();
        self.duplicates.clear();
        self.cut();
    }

    /// Show another source from now on, or nothing.
    pub fn show(&mut self, source: Option<LineId>) {
        self.source = source;
        self.complained_at = None;
        self.playout.cut();
        self.await_keyframe();
    }

    /// Append the packet as this slot sends it, sealed. Gives its length.
    pub fn forward(
        &mut self,
        media: &Media<'_>,
        now: Time,
        ntp: &NtpClock,
        outbound: &mut Outbound,
        packets: &mut Vec<u8>,
    ) -> Result<usize, Held> {
        if self.begins_anew(media, now) {
            self.cut();
        }
        if media.payload.is_empty() {
            if let Some(mapping) = &mut self.mapping {
                mapping.sequence.skip(media.index);
            }
            return Err(Held::Dropped(Reason::Padding));
        }
        let begins = self.mapping.is_none();
        let mapping = match &mut self.mapping {
            Some(mapping) => mapping,
            None => {
                let numbered = self.setup.codecs.iter().find(|known| known.codec == media.codec);
                let numbered = numbered.ok_or(Held::Dropped(Reason::NoCommonCodec))?;
                // What followed a keyframe's begin that had to be recovered was not let through: it would be of no use.
                if self.setup.medium.is_video() && (!media.keyframe || media.recovered) {
                    return Err(Held::AwaitingKeyframe);
                }
                self.timeline.cut(media.timestamp, media.delay, now);
                self.report_due = true;
                self.mapping.insert(Mapping {
                    ssrc: media.ssrc,
                    codec: media.codec,
                    payload_type: numbered.payload_type,
                    rtx_payload_type: numbered.rtx_payload_type.filter(|_| self.setup.medium.is_video()),
                    sequence: SequenceMap::new(media.index, self.next),
                })
            }
        };
        let index = mapping.sequence.place(media.index).ok_or(Held::Dropped(Reason::TooLate))?;
        self.next = self.next.max(index + 1);
        let fields = Written {
            // The first packet of sound after a switch starts a talk spurt (RFC 3551 section 4.1).
            marker: media.marker || (begins && !self.setup.medium.is_video()),
            payload_type: mapping.payload_type,
            sequence: index as u16,
            timestamp: self.timeline.place(media.timestamp, now),
            ssrc: self.setup.ssrc,
        };
        let start = packets.len();
        let header = self.setup.write_header(fields, media.audio_level, &self.playout, ntp.abs_send_time(now), packets);
        match media.codec.picture(media.payload) {
            Some(picture) => self.pictures.rewrite(media.payload, picture, packets),
            None => packets.extend_from_slice(media.payload),
        }
        let payload = &packets[start + header..];
        let rtx = mapping.rtx_payload_type;
        // Before it is sealed, which is done in place. What can't be sealed was sent before.
        if let Some(rtx) = rtx {
            self.kept.keep(Sent::new(index, fields.marker, rtx, fields.timestamp, now), payload, now);
        }
        let late = media.recovered && rtx.is_some();
        let octets = (packets.len() - start - header) as u32;
        if outbound.seal_rtp(packets, start, header, self.setup.ssrc, index).is_none() {
            packets.truncate(start);
            return Err(Held::Dropped(Reason::TooLate));
        }
        self.sent = (self.sent.0.wrapping_add(1), self.sent.1.wrapping_add(octets));
        if late {
            self.duplicate_later(index as u16, now);
        }
        Ok(packets.len() - start)
    }

    /// Append a packet that the receiver misses once more, as a retransmission (RFC 4588 section 4), sealed.
    /// Gives its length.
    pub fn repeat(
        &mut self,
        sequence: u16,
        downstream: &Downstream,
        budget: &mut Budget,
        ntp: &NtpClock,
        outbound: &mut Outbound,
        packets: &mut Vec<u8>,
    ) -> Result<usize, Reason> {
        let packet = self.kept.find(sequence, downstream)?;
        if !budget.allows(packet.length(), downstream) {
            return Err(Reason::OverBudget);
        }
        packet.repeated(downstream.now);
        let sent = self.retransmit(sequence, downstream, budget, ntp, outbound, packets);
        self.duplicate_later(sequence, downstream.now);
        sent
    }

    /// Whether [`Self::duplicate`] will have something.
    pub fn has_duplicates(&self) -> bool {
        !self.duplicates.is_empty()
    }

    /// Append the next packet that is sent once more without a complaint, as [`Self::repeat`] does. Gives its length;
    /// None if there is none, yet.
    pub fn duplicate(
        &mut self,
        downstream: &Downstream,
        budget: &mut Budget,
        ntp: &NtpClock,
        outbound: &mut Outbound,
        packets: &mut Vec<u8>,
    ) -> Option<usize> {
        while let Some((sequence, _)) = self.duplicates.front().copied().filter(|(_, due)| *due <= downstream.now) {
            self.duplicates.pop_front();
            let size = self.kept.get(sequence).map(|packet| packet.length());
            if downstream.lossy && size.is_some_and(|size| budget.allows(size, downstream) && budget.is_plentiful()) {
                return self.retransmit(sequence, downstream, budget, ntp, outbound, packets).ok();
            }
        }
        None
    }

    /// What comes late already must not get lost once more.
    fn duplicate_later(&mut self, sequence: u16, now: Time) {
        let duplicated = |packet: &mut Sent| std::mem::replace(&mut packet.duplicated, true);
        if self.duplicates.len() < MOST_DUPLICATES && self.kept.get(sequence).is_some_and(|packet| !duplicated(packet))
        {
            self.duplicates.push_back((sequence, now.plus_millis(DUPLICATED_AFTER)));
        }
    }

    fn retransmit(
        &mut self,
        sequence: u16,
        downstream: &Downstream,
        budget: &mut Budget,
        ntp: &NtpClock,
        outbound: &mut Outbound,
        packets: &mut Vec<u8>,
    ) -> Result<usize, Reason> {
        let packet = *self.kept.get(sequence).ok_or(Reason::NotKept)?;
        let fields = Written {
            marker: packet.marker,
            payload_type: packet.payload_type,
            sequence: self.next_rtx as u16,
            timestamp: packet.timestamp,
            ssrc: self.setup.rtx_ssrc,
        };
        let start = packets.len();
        let header = self.setup.write_header(fields, None, &self.playout, ntp.abs_send_time(downstream.now), packets);
        packets.extend_from_slice(&sequence.to_be_bytes());
        for piece in self.kept.payload(&packet) {
            packets.extend_from_slice(piece);
        }
        let index = self.next_rtx;
        self.next_rtx += 1;
        outbound.seal_rtp(packets, start, header, fields.ssrc, index).ok_or(Reason::TooLate)?;
        budget.spend(packets.len() - start);
        Ok(packets.len() - start)
    }

    /// Whether to tell now that there is no codec in common.
    pub fn complains(&mut self, now: Time) -> bool {
        /// Milliseconds between two words about it.
        const AGAIN: u64 = 1_000;
        let tell = self.complained_at.is_none_or(|told| now.millis_since(told) >= AGAIN);
        if tell {
            self.complained_at = Some(now);
        }
        tell
    }

    /// The slot's RTP timestamp now, for a report; `source` is the source's own, if its reports tell.
    pub fn position(&mut self, source: Option<u32>, now: Time) -> Option<u32> {
        self.mapping.as_ref()?;
        self.timeline.report(source, now)
    }

    /// Whether what comes is a switch as well: another stream or codec on the same line, or numbers that lead nowhere.
    fn begins_anew(&mut self, media: &Media<'_>, now: Time) -> bool {
        let Some(current) = &self.mapping else { return false };
        let gap = current.sequence.gap_before(media.index);
        if now.millis_since(self.left_out.1) >= 1_000 {
            self.left_out = (0, now);
        }
        let left_out = self.left_out.0.saturating_add(gap);
        let anew = current.ssrc != media.ssrc
            || current.codec != media.codec
            || left_out > MOST_LEFT_OUT
            || self.timeline.leaps(media.timestamp, now);
        if !anew {
            self.left_out.0 = left_out;
        }
        anew
    }

    fn cut(&mut self) {
        self.mapping = None;
        self.pictures.cut();
    }
}
