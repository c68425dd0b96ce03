//! A call of three, played from bytes: what a person with right keys can send, and what comes of it.
//!
//! Everybody is a transcoder, because those need no keys: plain RTP and RTCP go in and come out. The fuzz target `media`
//! plays mutations; `corpora.rs` plays what is saved, and asks whether that reaches what it should.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use relay_core::counters::{Reason, Totals};
use relay_core::exchange::{Command, Event, Exchange, PeerSetup};
use relay_core::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
use relay_core::forward::slot::SlotSetup;
use relay_core::ice::bindings::Patience;
use relay_core::ids::{LineId, Medium, PeerId, SlotId};
use relay_core::outbox::Outbox;
use relay_core::time::{NtpClock, Time};
use relay_core::wire::codecs::Codec;
use relay_core::wire::rtcp;
use relay_core::wire::rtp::{Header, Written, is_rtcp, write_header};

const PEOPLE: u64 = 3;
const BITRATE: u64 = 2_500_000;
const TRANSPORT: u8 = 3;
const PLAYOUT: u8 = 5;

/// Of a stream's retransmissions, above the stream's own SSRC.
const AGAIN: u32 = 100;

/// What was sent to whom.
#[derive(Debug, Default)]
pub struct Seen {
    pub forwarded: u64,
    /// Packets that were retransmitted.
    pub repeated: u64,
    /// Packets that asked for a longer playout.
    pub playout: u64,
    /// Requests for what did not come, and for keyframes.
    pub nacks: u64,
    pub keyframe_requests: u64,
    /// Of transport-wide congestion control.
    pub transport: u64,
    pub reports: u64,
    /// Times that somebody was told to send less than they may.
    pub caps: u64,
    /// Slots that found no codec.
    pub strangers: u64,
}

impl std::ops::AddAssign for Seen {
    fn add_assign(&mut self, other: Self) {
        self.forwarded += other.forwarded;
        self.repeated += other.repeated;
        self.playout += other.playout;
        self.nacks += other.nacks;
        self.keyframe_requests += other.keyframe_requests;
        self.transport += other.transport;
        self.reports += other.reports;
        self.caps += other.caps;
        self.strangers += other.strangers;
    }
}

fn slot_of(peer: PeerId, medium: Medium) -> SlotId {
    SlotId { peer, seat: 0, medium }
}

pub struct Call {
    exchange: Exchange,
    out: Outbox,
    now: Time,
    totals: Arc<Totals>,
    /// Of each person's camera: the next sequence number.
    next: [u16; PEOPLE as usize],
    pub seen: Seen,
}

impl Call {
    pub fn new() -> Self {
        let totals = Arc::new(Totals::default());
        let patience = Patience { consent: 30_000, silence: 7_000 };
        let exchange =
            Exchange::new(Arc::clone(&totals), NtpClock::new(1_000_000_000, Time::default()), patience, Arc::default());
        let now = Time::from_millis(1_000);
        let mut call = Self { exchange, out: Outbox::default(), now, totals, next: [0; 3], seen: Seen::default() };
        for id in 1..=PEOPLE {
            call.join(id);
        }
        for (receiver, source) in [(1, 2), (2, 1), (3, 2)] {
            for medium in Medium::ALL {
                call.show(slot_of(receiver, medium), Some(LineId { peer: source, medium }));
            }
        }
        call
    }

    /// Play one step after another. The first byte says what happens and to whom.
    pub fn play(&mut self, mut script: &[u8]) {
        while let Some((first, rest)) = script.split_first() {
            let id = 1 + u64::from(first >> 3) % PEOPLE;
            let (arguments, rest) = rest.split_at(rest.len().min(2));
            let [high, low] = [arguments.first().copied().unwrap_or(0), arguments.get(1).copied().unwrap_or(0)];
            script = rest;
            match first & 7 {
                0..=3 => {
                    let length = usize::from(u16::from_be_bytes([high, low]));
                    let (packet, rest) = script.split_at(length.min(script.len()));
                    script = rest;
                    self.send(id, packet.to_vec());
                }
                4 => self.pass(u64::from(high)),
                5 => {
                    let medium = Medium::ALL[usize::from(low % 3)];
                    let source = u64::from(high) % (PEOPLE + 1);
                    let source = (source != 0 && source != id).then_some(LineId { peer: source, medium });
                    self.show(slot_of(id, medium), source);
                }
                6 => {
                    self.order(Command::Close { peer: id });
                    self.order(Command::Release { peer: id });
                    self.join(id);
                }
                _ => self.film(id, high, low),
            }
        }
    }

    pub fn dropped(&self, reason: Reason) -> u64 {
        self.totals.drops.get(reason)
    }

    /// So many pictures of one packet, 10 ms apart, the first of them a keyframe; each of `loss` does not come.
    fn film(&mut self, id: PeerId, pictures: u8, loss: u8) {
        for number in 1..=pictures {
            let sequence = self.next[id as usize - 1];
            self.next[id as usize - 1] = sequence.wrapping_add(1);
            if loss == 0 || number % loss != 0 {
                let fields = Written {
                    marker: true,
                    payload_type: 96,
                    sequence,
                    timestamp: u32::from(sequence) * 900,
                    ssrc: stream(id, Medium::Camera),
                };
                let mut packet = Vec::new();
                write_header(&mut packet, fields, [(TRANSPORT, &sequence.to_be_bytes()[..])]);
                packet.extend_from_slice(&[
                    0x90,
                    0x80,
                    0x80 | (sequence >> 8) as u8,
                    sequence as u8,
                    u8::from(number > 1),
                ]);
                // 640x480.
                packet.extend_from_slice(&[0, 0, 0x9d, 0x01, 0x2a, 0x80, 0x02, 0xe0, 0x01]);
                packet.resize(1_000, 0xaa);
                self.send(id, packet);
            }
            self.pass(10);
        }
    }

    fn send(&mut self, peer: PeerId, packet: Vec<u8>) {
        let (length, before) = (packet.len() as u64, self.seen.forwarded + self.seen.repeated);
        // As the port does: what is no RTP by its first byte does not come here (RFC 7983).
        if packet.first().is_some_and(|first| (128..192).contains(first)) {
            self.order(Command::Inject { peer, packet });
        }
        let after = self.seen.forwarded + self.seen.repeated;
        // Each of at most two receivers, or the seventeen packets that four bytes can ask for.
        assert!(after - before <= 2 + 17 * length / 4, "{length} bytes had {} packets sent", after - before);
    }

    fn pass(&mut self, millis: u64) {
        for _ in 0..millis.div_ceil(10) {
            self.now = self.now.plus_millis(10);
            self.exchange.run_rounds(self.now, &mut self.out);
            self.collect();
        }
    }

    fn show(&mut self, slot: SlotId, source: Option<LineId>) {
        self.order(Command::Route { slot, source });
    }

    fn join(&mut self, peer: PeerId) {
        // The third knows another codec than what is filmed.
        let codecs = if peer == 3 { &[Codec::H264][..] } else { &[Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] };
        let numbered = |medium: Medium| -> Vec<NumberedCodec> {
            let of_this_kind = if medium.is_video() { codecs } else { &[Codec::Opus] };
            let number = |(at, codec): (usize, &Codec)| NumberedCodec {
                codec: *codec,
                payload_type: if peer == 3 { 100 } else { 96 } + 2 * at as u8,
                rtx_payload_type: medium.is_video().then_some(97 + 2 * at as u8),
            };
            of_this_kind.iter().enumerate().map(number).collect()
        };
        let ids = ExtensionIds {
            mid: Some(4),
            audio_level: Some(1),
            abs_send_time: Some(2),
            transport_cc: Some(TRANSPORT),
            playout_delay: Some(PLAYOUT),
        };
        let lines = Medium::ALL.map(|medium| LineSetup {
            medium,
            mid: vec![b'0' + medium as u8],
            // The screen is announced by its MID alone.
            ssrc: (medium != Medium::Screen).then_some(stream(peer, medium)),
            rtx_ssrc: (medium != Medium::Screen).then_some(stream(peer, medium) + AGAIN),
            codecs: numbered(medium),
            extensions: ids,
        });
        let slots = Medium::ALL.map(|medium| SlotSetup {
            seat: 0,
            medium,
            mid: vec![b'5' + medium as u8],
            ssrc: slot(peer, medium),
            rtx_ssrc: slot(peer, medium) + AGAIN,
            codecs: numbered(medium),
            extensions: ids,
        });
        let setup = PeerSetup { lines: lines.to_vec(), slots: slots.to_vec(), bitrate: BITRATE };
        self.order(Command::OpenTranscoder { peer, setup });
    }

    fn order(&mut self, command: Command) {
        self.exchange.obey(command, self.now, &mut self.out);
        self.collect();
    }

    /// Whatever was sent, it is well-formed, and in the streams that its receiver knows.
    fn collect(&mut self) {
        assert!(self.out.items().is_empty(), "nobody is outside");
        for (peer, packet) in self.out.take_inside() {
            if is_rtcp(&packet) {
                self.count_feedback(&packet);
                continue;
            }
            let header = Header::parse(&packet).unwrap();
            let medium = Medium::ALL.into_iter().find(|medium| header.ssrc % AGAIN == slot(peer, *medium) % AGAIN);
            match header.ssrc.checked_sub(slot(peer, medium.unwrap())) {
                Some(0) => self.seen.forwarded += 1,
                Some(AGAIN) => self.seen.repeated += 1,
                _ => panic!("{} is no stream of {peer}", header.ssrc),
            }
            self.seen.playout += u64::from(header.extension(&packet, PLAYOUT).is_some());
        }
        for event in self.exchange.take_events() {
            self.seen.strangers += u64::from(matches!(event, Event::NoCommonCodec(_)));
        }
    }

    fn count_feedback(&mut self, compound: &[u8]) {
        let seen = &mut self.seen;
        rtcp::read(compound, |packet| match packet {
            rtcp::Packet::Nack { .. } => seen.nacks += 1,
            rtcp::Packet::KeyframeRequest { .. } => seen.keyframe_requests += 1,
            rtcp::Packet::Estimate { bitrate } => seen.caps += u64::from(bitrate < BITRATE / 2),
            rtcp::Packet::Report(_) | rtcp::Packet::SenderReport { .. } => seen.reports += 1,
        })
        .unwrap();
        let mut rest = compound;
        while let [first, kind, high, low, ..] = rest {
            seen.transport += u64::from((*kind, first & 31) == (205, 15));
            rest = &rest[4 + 4 * usize::from(u16::from_be_bytes([*high, *low]))..];
        }
    }
}

/// Of what a person sends.
fn stream(peer: PeerId, medium: Medium) -> u32 {
    1_000 * peer as u32 + medium as u32
}

/// Of what a person is shown.
fn slot(peer: PeerId, medium: Medium) -> u32 {
    stream(peer, medium) + 500
}
