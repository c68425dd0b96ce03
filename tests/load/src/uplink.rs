//! What one person sends on one line: packets that are numbered, stamped and kept for resending.

use std::collections::VecDeque;

use crate::clip::{Clip, Piece, Position};
use crate::clock::{self, Nanos, SECOND};
use crate::payload;
use crate::rtcp::SenderInfo;
use crate::rtp::{ExtensionIds, Extensions, Header};
use crate::shield::Shield;
use crate::stamp::{Kind, Stamp};
use crate::tally::Tally;
use crate::udp::Outbox;

/// Packets that can be asked for again: two seconds of video.
const HISTORY: usize = 256;
/// Packets at the beginning that tell their MID, until the receiver has surely heard it.
const PACKETS_WITH_MID: u32 = 60;
/// As if a voice were -30 dBov loud (RFC 6464), the V bit set.
const AUDIO_LEVEL: u8 = 0x80 | 30;

/// What was negotiated for a line.
#[derive(Clone, Debug)]
pub struct Line {
    pub mid: String,
    pub ssrc: u32,
    pub payload_type: u8,
    /// SSRC and payload type of retransmissions (RFC 4588).
    pub rtx: Option<(u32, u8)>,
    pub extensions: ExtensionIds,
}

/// A packet that could be made again.
#[derive(Clone)]
struct Sent {
    sequence: u16,
    timestamp: u32,
    stamp: Stamp,
    /// Of video.
    picture: Option<(Piece, u16)>,
}

impl Sent {
    fn is_last(&self) -> bool {
        self.picture.as_ref().is_some_and(|(piece, _)| piece.is_last())
    }
}

/// The state of one line.
pub struct Uplink {
    line: Line,
    person: u32,
    kind: Kind,
    audio_bytes: usize,
    started: Nanos,
    sequence: u16,
    rtx_sequence: u16,
    packets: u32,
    octets: u32,
    stamps: u32,
    picture_id: u16,
    position: Position,
    history: VecDeque<Sent>,
    /// The next frame is to be a keyframe.
    wants_key: bool,
}

/// What all lines of a person share while they send.
pub struct Wire<'run> {
    pub shield: &'run mut Shield,
    pub outbox: &'run mut Outbox,
    pub transport_sequence: &'run mut u16,
    pub clip: &'run Clip,
    pub tally: &'run mut Tally,
}

impl Uplink {
    pub fn new(line: Line, person: u32, kind: Kind, audio_bytes: usize, now: Nanos) -> Self {
        Self {
            line,
            person,
            kind,
            audio_bytes,
            started: now,
            sequence: fastrand::u16(..),
            rtx_sequence: fastrand::u16(..),
            packets: 0,
            octets: 0,
            stamps: 0,
            picture_id: fastrand::u16(..0x8000),
            position: Position::default(),
            history: VecDeque::with_capacity(HISTORY),
            wants_key: true,
        }
    }

    /// Begin the next frame with a keyframe: somebody asked, or somebody new watches.
    pub fn refresh(&mut self) {
        self.wants_key = true;
    }

    /// Put 20 ms of sound into the outbox.
    pub fn speak(&mut self, due: Nanos, wire: &mut Wire<'_>) {
        self.send(self.timestamp(due), None, wire);
    }

    /// Put the next picture into the outbox.
    pub fn show(&mut self, due: Nanos, wire: &mut Wire<'_>) {
        let timestamp = self.timestamp(due);
        self.picture_id = (self.picture_id + 1) & 0x7FFF;
        for piece in wire.clip.next(&mut self.position, std::mem::take(&mut self.wants_key)) {
            self.send(timestamp, Some((piece, self.picture_id)), wire);
        }
    }

    /// Answer a NACK with what is still known, as RTX where that was negotiated.
    pub fn send_again(&mut self, missing: &[u16], wire: &mut Wire<'_>) {
        for sequence in missing {
            let Some(sent) = self.history.iter().find(|sent| sent.sequence == *sequence).cloned() else { continue };
            wire.tally.retransmissions += 1;
            match self.line.rtx {
                Some((ssrc, payload_type)) => {
                    self.rtx_sequence = self.rtx_sequence.wrapping_add(1);
                    let header = self.header(&sent, payload_type, ssrc, self.rtx_sequence);
                    self.put(&header, &sent, Some(*sequence), wire);
                }
                None => {
                    let header = self.header(&sent, self.line.payload_type, self.line.ssrc, *sequence);
                    self.put(&header, &sent, None, wire);
                }
            }
        }
    }

    /// For a sender report; None before the first packet.
    pub fn report(&self, now: Nanos) -> Option<SenderInfo> {
        (self.packets > 0).then(|| SenderInfo {
            ssrc: self.line.ssrc,
            ntp: clock::ntp(),
            timestamp: self.timestamp(now),
            packets: self.packets,
            octets: self.octets,
        })
    }

    pub fn ssrc(&self) -> u32 {
        self.line.ssrc
    }

    fn send(&mut self, timestamp: u32, picture: Option<(Piece, u16)>, wire: &mut Wire<'_>) {
        self.sequence = self.sequence.wrapping_add(1);
        let sent = clock::now();
        let stamp = Stamp { sender: self.person, counter: self.stamps, sent, kind: self.kind };
        if picture.as_ref().is_none_or(|(piece, _)| piece.is_stamped()) {
            self.stamps += 1;
            wire.tally.sent += u64::from(wire.tally.measures(sent));
        }
        let packet = Sent { sequence: self.sequence, timestamp, stamp, picture };
        let header = self.header(&packet, self.line.payload_type, self.line.ssrc, self.sequence);
        self.octets = self.octets.wrapping_add(self.put(&header, &packet, None, wire) as u32);
        self.packets += 1;
        if self.kind == Kind::Video {
            if self.history.len() == HISTORY {
                self.history.pop_front();
            }
            self.history.push_back(packet);
        }
    }

    fn header(&self, sent: &Sent, payload_type: u8, ssrc: u32, sequence: u16) -> Header {
        Header { payload_type, marker: sent.is_last(), sequence, timestamp: sent.timestamp, ssrc }
    }

    /// Returns the bytes of payload.
    fn put(&self, header: &Header, sent: &Sent, original: Option<u16>, wire: &mut Wire<'_>) -> usize {
        *wire.transport_sequence = wire.transport_sequence.wrapping_add(1);
        let extensions = Extensions {
            ids: &self.line.extensions,
            mid: (self.packets < PACKETS_WITH_MID).then_some(self.line.mid.as_str()),
            ntp: clock::ntp(),
            transport_sequence: *wire.transport_sequence,
            audio_level: (self.kind == Kind::Audio).then_some(AUDIO_LEVEL),
        };
        let mut octets = 0;
        wire.outbox.push(|bytes| {
            wire.shield.seal_rtp(bytes, |bytes| {
                header.write(&extensions, bytes);
                let start = bytes.len();
                if let Some(sequence) = original {
                    bytes.extend_from_slice(&sequence.to_be_bytes());
                }
                match &sent.picture {
                    Some((piece, id)) => payload::write_video(wire.clip, piece, *id, &sent.stamp, bytes),
                    None => payload::write_audio(self.audio_bytes, &sent.stamp, bytes),
                }
                octets = bytes.len() - start;
            });
        });
        octets
    }

    /// RTP time runs with the clock, from no particular beginning.
    fn timestamp(&self, now: Nanos) -> u32 {
        let rate = match self.kind {
            Kind::Audio => 48_000,
            Kind::Video => 90_000,
        };
        (u128::from(now.saturating_sub(self.started)) * rate / u128::from(SECOND)) as u32
    }
}
