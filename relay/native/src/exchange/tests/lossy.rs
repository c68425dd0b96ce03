//! A picture over two links that lose packets, in simulated time and from a seed. Both browsers behave as libwebrtc
//! does: the receiver complains at once and then once in a round trip, ten times in all; the sender repeats a packet
//! once in a round trip; playout waits as long as the receiver is told to, or a round trip.

use std::collections::{BTreeMap, HashMap};

use super::world::{Browser, PLAYOUT, World, delta, keyframe};
use crate::exchange::*;
use crate::ids::Medium;
use crate::wire::rtcp;
use crate::wire::rtp::{Written, write_header};

/// Milliseconds in one direction, and there and back.
const DELAY: u64 = 50;
const ROUND_TRIP: u64 = 2 * DELAY;

const FRAMES: u64 = 400;
const INTERVAL: u64 = 50;
const PER_FRAME: u64 = 7;

/// Milliseconds that a receiver waits by itself, and a gap between pictures that is a freeze.
const PATIENCE: u64 = 115;
const FREEZE: u64 = 200;

/// One direction of one link.
struct Lossy {
    loss: u64,
    random: u64,
    on_its_way: Vec<(Time, Vec<u8>)>,
}

impl Lossy {
    fn new(percent: u64, seed: u64) -> Self {
        Self { loss: percent, random: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1, on_its_way: Vec::new() }
    }

    fn send(&mut self, datagram: Vec<u8>, now: Time) {
        // xorshift64*
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        if (self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % 100 >= self.loss {
            self.on_its_way.push((now.plus_millis(DELAY), datagram));
        }
    }

    fn arrived(&mut self, now: Time) -> Vec<Vec<u8>> {
        let later = self.on_its_way.partition_point(|(at, _)| *at <= now);
        self.on_its_way.drain(..later).map(|(_, datagram)| datagram).collect()
    }
}

/// Who sends: what it sent, and when each packet was last retransmitted.
struct Sender {
    browser: Browser,
    history: HashMap<u16, (u32, Vec<u8>, Option<Time>)>,
    repeats: u16,
}

impl Sender {
    /// One packet of a frame.
    fn packet(&mut self, frame: u64, part: u64) -> Vec<u8> {
        let id = frame as u16 & 0x7fff;
        let mut payload = if frame == 0 && part == 0 { keyframe(id) } else { delta(id) }.to_vec();
        // Only the first begins a partition.
        payload[0] = if part == 0 { 0x90 } else { 0x80 };
        payload.push(part as u8);
        payload.resize(1_000, 0);
        let timestamp = (frame * INTERVAL * 90) as u32;
        self.history.insert(self.browser.index as u16, (timestamp, payload.clone(), None));
        self.browser.packet(Medium::Camera, timestamp, &payload)
    }

    /// Answers to what it was asked for since the last time.
    fn answers(&mut self, now: Time) -> Vec<Vec<u8>> {
        let mut wanted = Vec::new();
        for compound in self.browser.feedback.drain(..) {
            read_nacks(&compound, &mut wanted);
        }
        let ssrc = self.browser.ssrc(Medium::Camera) + 100;
        let mut answers = Vec::new();
        for sequence in wanted {
            let Some((timestamp, payload, last)) = self.history.get_mut(&sequence) else { continue };
            if last.is_some_and(|last| now.millis_since(last) < ROUND_TRIP) {
                continue;
            }
            *last = Some(now);
            let fields =
                Written { marker: false, payload_type: 50, sequence: self.repeats, timestamp: *timestamp, ssrc };
            let mut packet = Vec::new();
            let header = write_header(&mut packet, fields, []);
            packet.extend_from_slice(&sequence.to_be_bytes());
            packet.extend_from_slice(payload);
            self.browser.outbound.seal_rtp(&mut packet, 0, header, ssrc, u64::from(self.repeats)).unwrap();
            self.repeats += 1;
            answers.push(packet);
        }
        answers
    }
}

fn read_nacks(compound: &[u8], wanted: &mut Vec<u16>) {
    rtcp::read(compound, |packet| {
        if let rtcp::Packet::Nack { sequence, following, .. } = packet {
            wanted.push(sequence);
            wanted.extend((0..16).filter(|bit| following >> bit & 1 != 0).map(|bit| sequence.wrapping_add(bit + 1)));
        }
    })
    .unwrap();
}

/// Who watches: what came of each frame, what is missing and when it was complained of.
struct Receiver {
    browser: Browser,
    first: Option<u64>,
    highest: u64,
    missing: BTreeMap<u64, (Time, u8)>,
    /// Parts of each frame by its timestamp, and when it was complete.
    frames: BTreeMap<u32, (Vec<u8>, Option<Time>)>,
    /// Milliseconds that it was told to wait.
    told: u64,
    reported: (u64, u64),
    received: u64,
    /// The latest report on what it receives, and when it came.
    last_report: Option<(u32, Time)>,
}

impl Receiver {
    /// Take what came; gives a complaint about what turned out to be missing.
    fn take(&mut self, now: Time) -> Option<Vec<u8>> {
        let slot = self.browser.slot(Medium::Camera);
        let mut gaps = Vec::new();
        for (header, packet) in std::mem::take(&mut self.browser.media) {
            let mut payload = &packet[header.payload..];
            let mut sequence = header.sequence;
            if header.ssrc == slot {
                self.received += 1;
            } else {
                sequence = u16::from_be_bytes([payload[0], payload[1]]);
                payload = &payload[2..];
            }
            if let Some([high, middle, _]) = header.extension(&packet, PLAYOUT) {
                self.told = 10 * (u64::from(*high) << 4 | u64::from(*middle) >> 4);
            }
            let base = *self.first.get_or_insert(u64::from(sequence));
            self.highest = self.highest.max(base);
            let ahead = i64::from(sequence.wrapping_sub(self.highest as u16) as i16);
            let index = self.highest.checked_add_signed(ahead).unwrap();
            self.missing.remove(&index);
            for lost in self.highest + 1..index {
                self.missing.insert(lost, (now, 1));
                gaps.push(lost as u16);
            }
            self.highest = self.highest.max(index);
            let frame = self.frames.entry(header.timestamp).or_default();
            if !frame.0.contains(&payload[14]) {
                frame.0.push(payload[14]);
                if frame.0.len() as u64 == PER_FRAME {
                    frame.1 = Some(now);
                }
            }
        }
        for compound in self.browser.feedback.drain(..) {
            rtcp::read(&compound, |packet| {
                if let rtcp::Packet::SenderReport { ssrc, anchor } = packet {
                    if ssrc == slot {
                        self.last_report = Some(((anchor.ntp >> 16) as u32, now));
                    }
                }
            })
            .unwrap();
        }
        self.complaint(&gaps)
    }

    /// What it complains of again, every 20 ms.
    fn insist(&mut self, now: Time) -> Option<Vec<u8>> {
        self.missing.retain(|_, (_, tries)| *tries < 10);
        let mut due = Vec::new();
        for (index, (asked, tries)) in &mut self.missing {
            if now.millis_since(*asked) >= ROUND_TRIP {
                (*asked, *tries) = (now, *tries + 1);
                due.push(*index as u16);
            }
        }
        self.complaint(&due)
    }

    fn complaint(&mut self, missing: &[u16]) -> Option<Vec<u8>> {
        let mut nack = Vec::new();
        rtcp::write_nack(1, self.browser.slot(Medium::Camera), missing, &mut nack);
        self.browser.outbound.seal_rtcp(&mut nack, 0)?;
        (!missing.is_empty()).then_some(nack)
    }

    /// Its report, every second.
    fn report(&mut self, now: Time) -> Vec<u8> {
        let expected = self.highest - self.first.unwrap_or(self.highest);
        let (expected_now, received_now) = (expected - self.reported.0, self.received - self.reported.1);
        self.reported = (expected, self.received);
        let lost = expected_now.saturating_sub(received_now);
        let (last_report, delay) =
            self.last_report.map_or((0, 0), |(report, at)| (report, now.units_since(at, 1 << 16) as u32));
        let block = rtcp::ReportBlock {
            ssrc: self.browser.slot(Medium::Camera),
            fraction_lost: (256 * lost / expected_now.max(1)).min(255) as u8,
            lost: 0,
            highest: 0,
            jitter: 0,
            last_report,
            delay,
        };
        let mut report = Vec::new();
        rtcp::write_receiver_report(1, &[block], &mut report);
        self.browser.outbound.seal_rtcp(&mut report, 0).unwrap();
        report
    }
}

/// What was seen of a call.
#[derive(Debug)]
struct Seen {
    /// Frames that never became whole.
    lost: usize,
    /// Milliseconds that the picture stood still.
    frozen: u64,
    /// Packets that the receiver was sent more than the sender sent, in hundredths.
    overhead: u64,
}

fn call(percent: u64, seed: u64) -> Seen {
    let mut world = World::new();
    let (ann, bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.clear();
    let [mut up, mut to_bob, mut down, mut from_ann] = [1, 2, 3, 4].map(|way| Lossy::new(percent, 1_000 * seed + way));
    let mut bob = Sender { browser: bob, history: HashMap::new(), repeats: 0 };
    let mut ann = Receiver {
        browser: ann,
        first: None,
        highest: 0,
        missing: BTreeMap::new(),
        frames: BTreeMap::new(),
        told: 0,
        reported: (0, 0),
        received: 0,
        last_report: None,
    };
    let (start, mut delivered, mut waits) = (world.now, 0, Vec::new());
    for millis in 0..(FRAMES + 40) * INTERVAL {
        let now = world.now;
        let (frame, part) = (millis / INTERVAL, millis % INTERVAL / 2);
        if millis % 2 == 0 && part < PER_FRAME && frame < FRAMES {
            let packet = bob.packet(frame, part);
            // The call begins with a whole keyframe.
            if frame == 0 { up.on_its_way.push((now.plus_millis(DELAY), packet)) } else { up.send(packet, now) }
        }
        if part == 0 {
            waits.push(ann.told.max(PATIENCE));
        }
        for mut datagram in up.arrived(now) {
            world.exchange.receive(&mut datagram, bob.browser.path, now, &mut world.out);
        }
        for mut datagram in from_ann.arrived(now) {
            world.exchange.receive(&mut datagram, ann.browser.path, now, &mut world.out);
        }
        world.pass(1);
        for item in world.out.sorted().to_vec() {
            let datagram = world.out.bytes(&item).to_vec();
            if crate::wire::stun::Message::parse(&datagram).is_some() {
                continue;
            }
            if item.peer == bob.browser.id {
                to_bob.send(datagram, now);
            } else {
                delivered += u64::from(!crate::wire::rtp::is_rtcp(&datagram));
                down.send(datagram, now);
            }
        }
        world.clear();
        for datagram in to_bob.arrived(now) {
            bob.browser.take(&datagram);
        }
        for answer in bob.answers(now) {
            up.send(answer, now);
        }
        for datagram in down.arrived(now) {
            ann.browser.take(&datagram);
        }
        let complaints = [ann.take(now), (millis % 20 == 0).then(|| ann.insist(now)).flatten()];
        let reports = (millis % 1_000 == 999).then(|| ann.report(now));
        for feedback in complaints.into_iter().chain([reports]).flatten() {
            from_ann.send(feedback, now);
        }
    }
    let mut seen = Seen { lost: 0, frozen: 0, overhead: 100 * delivered / (FRAMES * PER_FRAME) - 100 };
    // Nothing follows the last, which would tell that its end is missing.
    ann.frames.pop_last();
    seen.lost = FRAMES as usize - 1 - ann.frames.values().filter(|frame| frame.1.is_some()).count();
    let mut shown: Option<Time> = None;
    for (frame, (_, whole)) in ann.frames.values().enumerate() {
        let Some(whole) = whole else { continue };
        let due = start.plus_millis(frame as u64 * INTERVAL + 2 * DELAY + waits[frame]);
        let at = shown.map_or(due, |shown| shown.max(due)).max(*whole);
        let gap = shown.map_or(0, |shown| at.millis_since(shown));
        // What the first seconds cost until the loss is known is no measure.
        if gap >= FREEZE && frame > 60 {
            seen.frozen += gap;
        }
        shown = Some(at);
    }
    seen
}

#[test]
fn at_five_percent_each_way_every_picture_is_recovered_and_none_stands_still_for_half_a_second() {
    for seed in 0..5 {
        let seen = call(5, seed);
        assert!(seen.lost == 0 && seen.frozen <= 500 && seen.overhead <= 25, "{seed}: {seen:?}");
    }
}

#[test]
fn at_ten_percent_each_way_every_picture_is_recovered_and_few_stand_still() {
    for seed in 0..5 {
        let seen = call(10, seed);
        assert!(seen.lost == 0 && seen.frozen <= 1_500 && seen.overhead <= 45, "{seed}: {seen:?}");
    }
}

#[test]
fn without_loss_nothing_is_sent_twice() {
    let seen = call(0, 1);
    assert!(seen.lost == 0 && seen.frozen == 0 && seen.overhead == 0, "{seen:?}");
}
