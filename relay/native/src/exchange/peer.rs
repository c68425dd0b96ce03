//! One browser's media: its keys, its lines and its slots.

use std::sync::Arc;

use super::slots::Slots;
use crate::allowance::{Allowance, COMPLAINTS, DTLS, MEDIA};
use crate::cache::Cache;
use crate::counters::{PeerCounters, Reason};
use crate::feedback::cap::{Cap, Downlink};
use crate::feedback::transport::TransportFeedback;
use crate::forward::budget::Budget;
use crate::forward::downstream::Downstream;
use crate::forward::line::{Line, LineSetup};
use crate::forward::sender_clock::SenderClock;
use crate::forward::slot::{Slot, SlotSetup};
use crate::ids::Medium;
use crate::srtp::{Inbound, Outbound};
use crate::time::{NtpClock, Time};
use crate::wire::bytes::u16_at;
use crate::wire::codecs::Codec;
use crate::wire::rtcp;
use crate::wire::rtp::Header;

/// Streams that one peer may introduce by MID: each line's own and retransmissions, and a few changes.
const LEARNT_STREAMS: u8 = 12;

/// What negotiation says of one peer.
#[derive(Clone, Debug)]
pub struct PeerSetup {
    /// What it sends; one of each medium at most.
    pub lines: Vec<LineSetup>,
    /// What it receives; one of each medium at most for each seat.
    pub slots: Vec<SlotSetup>,
    /// Bits per second that it may send at most.
    pub bitrate: u64,
}

/// Both directions' keys. Exactly one pair per peer, ever.
pub(super) struct Secured {
    pub(super) inbound: Inbound,
    pub(super) outbound: Outbound,
}

/// See the module.
pub(super) struct Peer {
    pub(super) lines: [Option<Line>; 3],
    pub(super) slots: Slots,
    pub(super) secured: Option<Secured>,
    /// Whether what it is sent stays within the process.
    pub(super) is_transcoder: bool,
    pub(super) clock: SenderClock,
    pub(super) transport: TransportFeedback,
    pub(super) counters: Arc<PeerCounters>,
    /// The sender should be told that it may send at full rate: caps never expire by themselves.
    pub(super) uncap_due: bool,
    /// At the latest report: when, and bytes received and sent by then.
    pub(super) measured: (Time, u64, u64),
    /// How full the link to it is.
    pub(super) downlink: Downlink,
    /// What it may send because of that.
    pub(super) cap: Cap,
    /// Bits per second that it may send at most.
    pub(super) bitrate: u64,
    /// Bits per second that it is sent lately.
    pub(super) delivered: u64,
    /// When that was worked out, and bytes sent by then.
    delivered_at: (Time, u64),
    /// When it went on by another path.
    pub(super) moved_at: Time,
    /// Whether the exchange has it among those that need each round.
    pub(super) is_recovering: bool,
    /// Of retransmissions to it.
    pub(super) budget: Budget,
    /// Milliseconds there and back, once a report told.
    pub(super) round_trip: Option<u64>,
    pub(super) complaints: Allowance,
    media_allowance: Allowance,
    bytes_allowance: Allowance,
    pub(super) dtls_allowance: Allowance,
    learnt: u8,
}

/// What an authentic RTP packet turned out to be.
pub(super) struct Arrived<'a> {
    pub(super) medium: Medium,
    pub(super) codec: Codec,
    pub(super) header: Header,
    pub(super) index: u64,
    pub(super) payload: &'a [u8],
    pub(super) audio_level: Option<&'a [u8]>,
    pub(super) keyframe: bool,
    /// Whether no picture in it claims to be larger than any camera's.
    pub(super) fits: bool,
    pub(super) recovered: bool,
    pub(super) delay: Option<i32>,
    /// Whether others before it turned out to be missing.
    pub(super) gap: bool,
}

impl Peer {
    /// What its slots send is kept in `cache`, which is everybody's.
    pub(super) fn new(setup: PeerSetup, counters: Arc<PeerCounters>, cache: &Arc<Cache>) -> Self {
        let mut peer = Self {
            lines: [None, None, None],
            slots: Slots::default(),
            secured: None,
            is_transcoder: false,
            clock: SenderClock::default(),
            transport: TransportFeedback::default(),
            counters,
            uncap_due: false,
            measured: (Time::default(), 0, 0),
            downlink: Downlink::default(),
            cap: Cap::default(),
            bitrate: setup.bitrate,
            delivered: 0,
            delivered_at: (Time::default(), 0),
            moved_at: Time::default(),
            is_recovering: false,
            budget: Budget::default(),
            round_trip: None,
            complaints: COMPLAINTS,
            media_allowance: MEDIA,
            bytes_allowance: Allowance::bytes(setup.bitrate),
            dtls_allowance: DTLS,
            learnt: 0,
        };
        for line in setup.lines {
            let at = line.medium as usize;
            peer.lines[at] = Some(Line::new(line));
        }
        for slot in setup.slots {
            peer.slots.insert(Slot::new(slot, Arc::clone(cache)));
        }
        peer
    }

    /// Our own SSRC in feedback: that of a stream we send, as receivers know no other.
    pub(super) fn reporter(&self) -> u32 {
        self.slots.iter().next().map_or(1, |slot| slot.setup.ssrc)
    }

    /// Average what it is sent over about a second; called ten times in one.
    pub(super) fn follow_delivery(&mut self, now: Time) {
        const WEIGHT: u64 = 8;
        let (at, before) = std::mem::replace(&mut self.delivered_at, (now, self.counters.sent.bytes.get()));
        if let Some(elapsed) = Some(now.millis_since(at)).filter(|elapsed| *elapsed > 0) {
            let rate = (self.delivered_at.1 - before) * 8_000 / elapsed;
            self.delivered = ((WEIGHT - 1) * self.delivered + rate) / WEIGHT;
        }
    }

    /// Whether it has sent as much within a second as it may: then the rest is not even decrypted.
    pub(super) fn is_flooding(&self, now: Time) -> bool {
        self.media_allowance.is_used_up(now) || self.bytes_allowance.is_used_up(now)
    }

    /// Whether it may send so many bytes more; they are authentic, and count as sent.
    pub(super) fn may_send(&mut self, bytes: usize, now: Time) -> bool {
        self.media_allowance.take(now) && self.bytes_allowance.take_all(bytes as u32, now)
    }

    /// Open and understand one SRTP packet.
    pub(super) fn receive_rtp<'a>(
        &mut self,
        datagram: &'a mut [u8],
        ntp: &NtpClock,
        now: Time,
    ) -> Result<Arrived<'a>, Reason> {
        let secured = self.secured.as_mut().ok_or(Reason::NotSecureYet)?;
        let header = Header::parse(datagram).ok_or(Reason::RtpMalformed)?;
        let (length, index) = secured
            .inbound
            .open_rtp(datagram, header.payload, header.ssrc, header.sequence)
            .map_err(|_| Reason::SrtpRejected)?;
        // Only now: what somebody forges must not use up what the peer itself may send.
        if !self.may_send(length, now) {
            return Err(Reason::Flooded);
        }
        let packet: &'a [u8] = datagram.get(..length).ok_or(Reason::RtpMalformed)?;
        self.record_arrival(&header, packet, now);
        let medium = self.medium(&header, packet).ok_or(Reason::UnknownSsrc)?;
        let line = self.lines[medium as usize].as_mut().ok_or(Reason::UnknownSsrc)?;
        let payload = header.payload_of(packet).ok_or(Reason::RtpMalformed)?;
        if line.setup.rtx_ssrc == Some(header.ssrc) {
            let arrived = recovered(line, header, payload)?;
            self.counters.recovered.add(1);
            return Ok(arrived);
        }
        let codec = line.codec(header.payload_type).ok_or(Reason::UnknownPayloadType)?;
        line.reception.count(index, header.timestamp, now);
        let fits = codec.fits(payload);
        let keyframe = medium.is_video() && fits && codec.starts_keyframe(payload);
        let gap = medium.is_video() && line.repeats(codec) && line.misses.arrived(index, now);
        if keyframe {
            line.misses.begin(index);
            line.keyframes.met();
            if line.keyframe_at.replace(header.timestamp) != Some(header.timestamp) {
                self.counters.keyframes.add(1);
            }
        }
        let audio_level = line.setup.extensions.audio_level.and_then(|id| header.extension(packet, id));
        let delay = line.position(&self.clock, ntp, now).map(|stands| stands.wrapping_sub(header.timestamp) as i32);
        Ok(Arrived { medium, codec, header, index, payload, audio_level, keyframe, fits, recovered: false, delay, gap })
    }

    /// Append requests for what is missing of the peer's lines, as far as it is time to. Gives the lines of which only a
    /// keyframe helps.
    pub(super) fn ask_for_missing(&mut self, now: Time, packets: &mut Vec<u8>) -> Vec<Medium> {
        let (reporter, mut lost) = (self.reporter(), Vec::new());
        for line in self.lines.iter_mut().flatten() {
            if line.receivers.is_empty() {
                line.misses.clear();
            }
            let due = line.misses.due(self.round_trip, now);
            // As long as one was asked for lately, it stays to be asked for.
            if line.misses.is_lost() && line.keyframes.lost(now) {
                line.misses.take_lost();
                lost.push(line.setup.medium);
            }
            if let Some(ssrc) = line.setup.ssrc.filter(|_| !due.is_empty()) {
                self.counters.requested.add(due.len() as u64);
                rtcp::write_nack(reporter, ssrc, &due, packets);
            }
        }
        lost
    }

    /// Whether something is missing of its lines, or waits to be sent to it once more.
    pub(super) fn needs_recovery(&self) -> bool {
        self.lines.iter().flatten().any(|line| line.misses.any() || line.misses.is_lost())
            || self.slots.iter().any(Slot::has_duplicates)
    }

    /// Average loss of its line on its link to us, in sixteenths of a 256th.
    pub(super) fn loss(&self, medium: Medium) -> u32 {
        self.lines[medium as usize].as_ref().map_or(0, |line| line.reception.loss)
    }

    /// The link to it, now.
    pub(super) fn downstream(&self, now: Time) -> Downstream {
        Downstream {
            round_trip: self.round_trip,
            delivered: self.delivered,
            lossy: self.downlink.is_lossy(),
            full: self.downlink.is_full(),
            now,
        }
    }

    fn record_arrival(&mut self, header: &Header, packet: &[u8], now: Time) {
        // One BUNDLE has one id per extension (RFC 9143 section 9): any line's will do.
        let id = self.lines.iter().flatten().find_map(|line| line.setup.extensions.transport_cc);
        let number = id.and_then(|id| header.extension(packet, id)).and_then(|value| u16_at(value, 0));
        if let Some(number) = number {
            self.transport.record(number, now);
        }
    }

    /// The line that a stream belongs to, by the offer or else by its MID (RFC 8843 section 9.2).
    fn medium(&mut self, header: &Header, packet: &[u8]) -> Option<Medium> {
        let ssrc = Some(header.ssrc);
        let belongs = |line: &Line| line.setup.ssrc == ssrc || line.setup.rtx_ssrc == ssrc;
        if let Some(line) = self.lines.iter().flatten().find(|line| belongs(line)) {
            return Some(line.setup.medium);
        }
        let id = self.lines.iter().flatten().find_map(|line| line.setup.extensions.mid)?;
        let mid = header.extension(packet, id)?;
        let line = self.lines.iter_mut().flatten().find(|line| line.setup.mid == mid)?;
        if line.announced || self.learnt >= LEARNT_STREAMS {
            return None;
        }
        self.learnt += 1;
        if line.codec(header.payload_type).is_some() {
            line.setup.ssrc = ssrc;
        } else {
            line.setup.rtx_ssrc = ssrc;
        }
        Some(line.setup.medium)
    }
}

/// What a retransmission stands for (RFC 4588 section 4). A duplicate of what is not missing is a probe of
/// the bandwidth.
fn recovered<'a>(line: &mut Line, mut header: Header, payload: &'a [u8]) -> Result<Arrived<'a>, Reason> {
    let (original, payload) = payload.split_at_checked(2).ok_or(Reason::Padding)?;
    let sequence = u16_at(original, 0).ok_or(Reason::Padding)?;
    let (Some(codec), Some(ssrc)) = (line.codec_of_retransmission(header.payload_type), line.setup.ssrc) else {
        return Err(Reason::UnknownPayloadType);
    };
    let index = line.misses.recovered(sequence).ok_or(Reason::Padding)?;
    let fits = codec.fits(payload);
    let keyframe = fits && codec.starts_keyframe(payload);
    (header.ssrc, header.sequence) = (ssrc, sequence);
    let medium = line.setup.medium;
    let (audio_level, delay) = (None, None);
    Ok(Arrived {
        medium,
        codec,
        header,
        index,
        payload,
        audio_level,
        keyframe,
        fits,
        recovered: true,
        delay,
        gap: false,
    })
}
