//! What one person receives in one slot, checked packet by packet.
//!
//! Two numberings are followed. RTP sequence numbers are the relay's own, continuous for the whole
//! connection: they tell what got lost or repeated on the last hop. Stamps are the sender's, followed
//! for one conversation: they tell what the relay as a whole did.

use crate::clip::Clip;
use crate::clock::{MILLISECOND, Nanos};
use crate::continuity::{Arrival, Continuity, Wanted};
use crate::payload::{self, Video};
use crate::rtcp::{self, ReportBlock};
use crate::rtp::{self, Received};
use crate::stamp::{Kind, Stamp};
use crate::tally::Tally;

/// Between two requests for the same packet, or for a keyframe.
const NACK_INTERVAL: Nanos = 100 * MILLISECOND;
const KEYFRAME_INTERVAL: Nanos = 500 * MILLISECOND;

/// What was negotiated for a slot.
#[derive(Clone, Debug)]
pub struct Slot {
    pub kind: Kind,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
}

/// What the receiver knows of what it should see.
pub struct Expected<'run> {
    pub clip: &'run Clip,
    /// What arrives was not made here: no stamps, no sender's numbering.
    pub is_foreign: bool,
    pub now: Nanos,
}

/// What to make of a packet that was taken.
#[derive(Debug, PartialEq)]
pub enum Seen {
    Stamp(Stamp),
    /// Authentic, in a place where no stamp is expected.
    Unstamped,
    Nothing,
}

/// The state of one slot.
pub struct Downlink {
    slot: Slot,
    sequence: Continuity,
    stamps: Continuity,
    wanted: Wanted,
    /// Since when pictures come without a keyframe; None once there was one.
    keyframe_asked: Option<Nanos>,
    has_keyframe: bool,
    last_report: Option<(u32, Nanos)>,
    /// Packets that came as retransmissions; a browser counts them as lost all the same.
    recovered: u64,
    pictures: u64,
}

impl Downlink {
    pub fn new(slot: Slot) -> Self {
        Self {
            slot,
            sequence: Continuity::default(),
            stamps: Continuity::default(),
            wanted: Wanted::default(),
            keyframe_asked: None,
            has_keyframe: false,
            last_report: None,
            recovered: 0,
            pictures: 0,
        }
    }

    /// Whether packets of this SSRC belong here.
    pub fn owns(&self, ssrc: u32) -> bool {
        ssrc == self.slot.ssrc || Some(ssrc) == self.slot.rtx_ssrc
    }

    /// A conversation ends or begins: forget what belonged to the old one.
    pub fn cut(&mut self, is_foreign: bool, tally: &mut Tally) {
        if !is_foreign {
            tally.expected += self.stamps.expected();
            tally.missing += self.stamps.missing();
        }
        self.stamps = Continuity::default();
        self.has_keyframe = false;
        self.keyframe_asked = None;
    }

    /// The connection is over: what is missing now, is lost.
    pub fn finish(&mut self, is_foreign: bool, tally: &mut Tally) {
        self.cut(is_foreign, tally);
        if is_foreign {
            tally.expected += self.sequence.expected();
            tally.missing += self.sequence.missing();
        }
    }

    pub fn has_keyframe(&self) -> bool {
        self.has_keyframe
    }

    /// Take one plain packet. `checks_sender` tells whether a stamp is of the partner, and is counted.
    pub fn take(
        &mut self,
        packet: &[u8],
        expected: &Expected<'_>,
        tally: &mut Tally,
        checks_sender: impl FnOnce(&Stamp) -> bool,
    ) -> Seen {
        let Some(received) = rtp::parse(packet) else {
            tally.malformed += 1;
            return Seen::Nothing;
        };
        let Some((received, is_retransmission)) = self.unwrap(received) else {
            return Seen::Nothing;
        };
        let arrival = self.number(received.sequence, is_retransmission, expected.now, tally);
        if arrival == Arrival::Duplicate {
            return Seen::Nothing;
        }
        tally.received += u64::from(tally.measures(expected.now));
        let is_marked = packet[1] & 0x80 != 0;
        self.pictures += u64::from(is_marked && self.slot.kind == Kind::Video);
        match self.stamp(received.payload, is_marked, expected) {
            Err(Unreadable::Malformed) => {
                tally.malformed += 1;
                Seen::Nothing
            }
            Err(Unreadable::Corrupt) => {
                tally.corrupt += 1;
                Seen::Nothing
            }
            Ok(None) => Seen::Unstamped,
            Ok(Some(stamp)) => {
                if checks_sender(&stamp) {
                    self.follow(&stamp, is_retransmission, expected.now, tally);
                }
                Seen::Stamp(stamp)
            }
        }
    }

    /// For a receiver report; None before the first packet.
    pub fn report(&self, now: Nanos) -> Option<ReportBlock> {
        // Ours is one wrap ahead (`Continuity::extend`).
        let highest_sequence = (self.sequence.highest()? as u32).wrapping_sub(1 << 16);
        let since = |received: Nanos| (u128::from(now - received) * 65_536 / 1_000_000_000) as u32;
        Some(ReportBlock {
            ssrc: self.slot.ssrc,
            highest_sequence,
            lost: (self.sequence.missing() + self.recovered) as u32,
            last_report: self.last_report.map(|(report, received)| (report, since(received))),
        })
    }

    /// Packets that should have come, those that did not at first, and whole pictures that did.
    pub fn arrivals(&self) -> [u64; 3] {
        [self.sequence.expected(), self.sequence.missing() + self.recovered, self.pictures]
    }

    /// A sender report about this slot came.
    pub fn note_report(&mut self, report: u32, now: Nanos) {
        self.last_report = Some((report, now));
    }

    /// Ask for what is missing, if it is time.
    pub fn ask(&mut self, reporter: u32, now: Nanos, tally: &mut Tally, bytes: &mut Vec<u8>) {
        let missing = self.wanted.due(now, NACK_INTERVAL);
        if !missing.is_empty() {
            tally.nacks += 1;
            rtcp::write_nack(reporter, self.slot.ssrc, &missing, bytes);
        }
        if self.keyframe_asked.is_some_and(|asked| now >= asked + KEYFRAME_INTERVAL) {
            self.keyframe_asked = Some(now);
            rtcp::write_picture_loss(reporter, self.slot.ssrc, bytes);
        }
    }

    /// Undo RFC 4588. None for what probes the bandwidth and has no content.
    fn unwrap<'packet>(&self, received: Received<'packet>) -> Option<(Received<'packet>, bool)> {
        if Some(received.ssrc) == self.slot.rtx_ssrc {
            let (sequence, payload) = received.payload.split_first_chunk()?;
            let sequence = u16::from_be_bytes(*sequence);
            return Some((Received { sequence, payload, ..received }, true));
        }
        (!received.payload.is_empty()).then_some((received, false))
    }

    fn number(&mut self, sequence: u16, is_retransmission: bool, now: Nanos, tally: &mut Tally) -> Arrival {
        let number = self.sequence.extend(sequence);
        let arrival = self.sequence.note(number);
        match arrival {
            Arrival::Newest { gap } if gap > 0 && self.slot.kind == Kind::Video => self.wanted.add(number, gap, now),
            Arrival::Newest { .. } => {}
            Arrival::Late => {
                self.wanted.remove(number);
                self.recovered += u64::from(is_retransmission);
                tally.recovered += u64::from(is_retransmission);
                tally.reordered += u64::from(!is_retransmission);
            }
            // Asked for twice, it may come twice.
            Arrival::Duplicate => tally.duplicates += u64::from(!is_retransmission),
        }
        arrival
    }

    fn stamp(&mut self, payload: &[u8], is_marked: bool, expected: &Expected<'_>) -> Result<Option<Stamp>, Unreadable> {
        match self.slot.kind {
            Kind::Audio if expected.is_foreign => Ok(None),
            Kind::Audio => payload::audio_stamp(payload).map(Some).ok_or(Unreadable::Corrupt),
            Kind::Video => {
                let video = Video::parse(payload).ok_or(Unreadable::Malformed)?;
                if video.begins_keyframe {
                    self.has_keyframe = true;
                    self.keyframe_asked = None;
                } else if !self.has_keyframe {
                    self.keyframe_asked.get_or_insert(expected.now);
                }
                if expected.is_foreign || (expected.clip.is_recorded() && !is_marked) {
                    return Ok(None);
                }
                video.stamp(expected.clip).map(Some).ok_or(Unreadable::Corrupt)
            }
        }
    }

    fn follow(&mut self, stamp: &Stamp, is_retransmission: bool, now: Nanos, tally: &mut Tally) {
        let arrival = self.stamps.note(u64::from(stamp.counter));
        if arrival == Arrival::Duplicate {
            // The same content under a new sequence number: the relay repeated itself.
            tally.duplicates += 1;
            return;
        }
        if tally.measures(stamp.sent) {
            tally.delivered += 1;
            if !is_retransmission {
                tally.latency.record(now.saturating_sub(stamp.sent));
            }
        }
    }
}

enum Unreadable {
    Malformed,
    Corrupt,
}
