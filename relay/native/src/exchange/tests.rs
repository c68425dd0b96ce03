//! Two browsers around one exchange, in simulated time.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;

use super::*;
use crate::counters::PeerCounters;
use crate::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::ice::bindings::{Patience, Side};
use crate::ids::{LineId, Medium, SlotId};
use crate::srtp::{Inbound, Keys, Outbound, Profile};
use crate::wire::codecs::{Codec, vp8};
use crate::wire::rtp::{Header, Written, is_rtcp, write_header};
use crate::wire::stun;

const MID: u8 = 4;
const AUDIO_LEVEL: u8 = 1;
const SEND_TIME: u8 = 2;
const TRANSPORT: u8 = 3;
pub(super) const PLAYOUT: u8 = 5;
const PASSWORD: &[u8] = b"pppppppppppppppppppppp";
pub(super) const REMOTE_PASSWORD: &[u8] = b"qqqqqqqqqqqqqqqqqqqqqq";

/// A browser: what it seals, and what it got. Payload types and SSRCs are its own.
pub(super) struct Browser {
    pub(super) id: PeerId,
    pub(super) path: Path,
    pub(super) outbound: Outbound,
    inbound: Inbound,
    payload_type: u8,
    pub(super) index: u64,
    transport: u16,
    pub(super) media: Vec<(Header, Vec<u8>)>,
    pub(super) feedback: Vec<Vec<u8>>,
}

pub(super) struct World {
    pub(super) exchange: Exchange,
    pub(super) out: Outbox,
    pub(super) now: Time,
    /// Where nobody answers what we ask.
    pub(super) deaf: Vec<Path>,
    /// Datagrams of `out` that were looked at.
    seen: usize,
}

fn keys(seed: u8) -> Keys {
    Keys::new(Profile::Gcm128, vec![seed; 28]).unwrap()
}

fn ids(transport: bool) -> ExtensionIds {
    ExtensionIds {
        mid: Some(MID),
        audio_level: Some(AUDIO_LEVEL),
        abs_send_time: Some(SEND_TIME),
        transport_cc: transport.then_some(TRANSPORT),
        playout_delay: (!transport).then_some(PLAYOUT),
    }
}

pub(super) fn check(ufrag: &str) -> Vec<u8> {
    check_with(ufrag, *b"transactions", &[])
}

pub(super) fn nomination(ufrag: &str, number: u8) -> Vec<u8> {
    check_with(ufrag, [number; 12], &[0, 0x25, 0, 0])
}

fn check_with(ufrag: &str, transaction: [u8; 12], attribute: &[u8]) -> Vec<u8> {
    check_of(ufrag, "them", transaction, attribute)
}

pub(super) fn check_of(ufrag: &str, remote: &str, transaction: [u8; 12], attribute: &[u8]) -> Vec<u8> {
    let username = format!("{ufrag}:{remote}");
    let mut message = b"\x00\x01\x00\x00\x21\x12\xa4\x42".to_vec();
    message.extend_from_slice(&transaction);
    message.extend_from_slice(attribute);
    // PRIORITY and ICE-CONTROLLING, as browsers send them.
    message.extend_from_slice(&[0, 0x24, 0, 4, 0x6e, 0, 1, 0xff, 0x80, 0x2a, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    message.extend_from_slice(&[0, 6, 0, username.len() as u8]);
    message.extend_from_slice(username.as_bytes());
    message.resize(message.len().next_multiple_of(4), 0);
    let length = (message.len() - 20 + 24) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let tag = aws_lc_rs::hmac::sign(&stun::integrity_key(PASSWORD), &message);
    message.extend_from_slice(&[0, 8, 0, 20]);
    message.extend_from_slice(tag.as_ref());
    message
}

impl Browser {
    pub(super) fn ssrc(&self, medium: Medium) -> u32 {
        1_000 * self.id as u32 + medium as u32
    }

    pub(super) fn slot(&self, medium: Medium) -> u32 {
        self.ssrc(medium) + 500
    }

    /// One sealed packet of a line.
    pub(super) fn packet(&mut self, medium: Medium, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let fields = Written {
            marker: false,
            payload_type: self.payload_type + medium as u8,
            sequence: self.index as u16,
            timestamp,
            ssrc: self.ssrc(medium),
        };
        let number = self.transport.to_be_bytes();
        self.transport = self.transport.wrapping_add(1);
        let mut packet = Vec::new();
        let header = write_header(&mut packet, fields, [(TRANSPORT, &number[..]), (AUDIO_LEVEL, &[0x85])]);
        packet.extend_from_slice(payload);
        self.outbound.seal_rtp(&mut packet, 0, header, fields.ssrc, self.index).unwrap();
        self.index += 1;
        packet
    }

    pub(super) fn take(&mut self, datagram: &[u8]) {
        let mut bytes = datagram.to_vec();
        if is_rtcp(&bytes) {
            let length = self.inbound.open_rtcp(&mut bytes).unwrap();
            self.feedback.push(bytes[..length].to_vec());
        } else {
            let header = Header::parse(&bytes).unwrap();
            let (length, _) = self.inbound.open_rtp(&mut bytes, header.payload, header.ssrc, header.sequence).unwrap();
            bytes.truncate(length);
            self.media.push((header, bytes));
        }
    }

    /// Types and formats of all feedback since the last call.
    pub(super) fn kinds(&mut self) -> Vec<(u8, u8)> {
        let mut kinds = Vec::new();
        for compound in self.feedback.drain(..) {
            let mut at = 0;
            while at < compound.len() {
                kinds.push((compound[at + 1], compound[at] & 31));
                at += 4 * (1 + usize::from(u16::from_be_bytes([compound[at + 2], compound[at + 3]])));
            }
        }
        kinds
    }
}

const PLI: (u8, u8) = (206, 1);
const REMB: (u8, u8) = (206, 15);
const TRANSPORT_FEEDBACK: (u8, u8) = (205, 15);

impl World {
    pub(super) fn new() -> Self {
        let ntp = NtpClock::new(1_000_000_000, Time::default());
        let exchange = Exchange::new(
            Arc::new(Totals::default()),
            ntp,
            Patience { consent: 30_000, silence: 7_000 },
            Arc::default(),
        );
        Self { exchange, out: Outbox::default(), now: Time::from_millis(1_000), deaf: Vec::new(), seen: 0 }
    }

    /// Bytes to a path since the last `clear`.
    pub(super) fn sent_to(&self, path: Path) -> usize {
        self.out.items().iter().filter(|item| item.path == path).map(|item| self.out.bytes(item).len()).sum()
    }

    /// Someone who is admitted, checked, opened and secured.
    pub(super) fn join(&mut self, id: PeerId, payload_type: u8) -> Browser {
        self.join_with(id, payload_type, Codec::Vp8)
    }

    /// The same with another video codec.
    pub(super) fn join_with(&mut self, id: PeerId, payload_type: u8, video: Codec) -> Browser {
        let remote: SocketAddr = format!("192.0.2.{id}:4000").parse().unwrap();
        let path = Path::udp(remote, [198, 51, 100, 1].into());
        let mut browser = Browser {
            id,
            path,
            outbound: Outbound::new(&keys(id as u8)).unwrap(),
            inbound: Inbound::new(&keys(100 + id as u8)).unwrap(),
            payload_type,
            index: 60_000 + 700 * id,
            transport: 0,
            media: Vec::new(),
            feedback: Vec::new(),
        };
        let numbered = |medium: Medium| {
            let codec = if medium.is_video() { video } else { Codec::Opus };
            let rtx_payload_type = medium.is_video().then_some(payload_type + 10);
            vec![NumberedCodec { codec, payload_type: payload_type + medium as u8, rtx_payload_type }]
        };
        let media = [Medium::Microphone, Medium::Camera];
        let lines = media.map(|medium| LineSetup {
            medium,
            mid: vec![b'0' + medium as u8],
            ssrc: Some(browser.ssrc(medium)),
            rtx_ssrc: Some(browser.ssrc(medium) + 100),
            codecs: numbered(medium),
            extensions: ids(true),
        });
        let slots = media.map(|medium| SlotSetup {
            seat: 0,
            medium,
            mid: vec![b'5' + medium as u8],
            ssrc: browser.slot(medium),
            rtx_ssrc: browser.slot(medium) + 100,
            codecs: numbered(medium),
            extensions: ids(false),
        });
        let setup = PeerSetup { lines: lines.to_vec(), slots: slots.to_vec(), bitrate: 2_500_000 };
        let ufrag = format!("ufrag{id}");
        let local = Side { ufrag: ufrag.clone().into_bytes(), password: PASSWORD.to_vec() };
        let remote = Side { ufrag: b"them".to_vec(), password: REMOTE_PASSWORD.to_vec() };
        self.order(Command::Admit { peer: id, local, remote });
        self.order(Command::Open { peer: id, setup, counters: Arc::new(PeerCounters::default()) });
        self.exchange.receive(&mut check(&ufrag), path, self.now, &mut self.out);
        self.answer();
        self.clear();
        assert_eq!(self.exchange.take_events(), [Event::FlowSelected(id, path)]);
        self.order(Command::Secure { peer: id, receive: keys(id as u8), send: keys(100 + id as u8) });
        browser.media.clear();
        browser
    }

    pub(super) fn order(&mut self, command: Command) {
        self.exchange.obey(command, self.now, &mut self.out);
    }

    pub(super) fn show(&mut self, receiver: &Browser, sender: Option<&Browser>) {
        for medium in [Medium::Microphone, Medium::Camera] {
            let source = sender.map(|sender| LineId { peer: sender.id, medium });
            self.order(Command::Route { slot: SlotId { peer: receiver.id, seat: 0, medium }, source });
        }
    }

    pub(super) fn send(&mut self, sender: &mut Browser, medium: Medium, timestamp: u32, payload: &[u8]) {
        let mut packet = sender.packet(medium, timestamp, payload);
        self.exchange.receive(&mut packet, sender.path, self.now, &mut self.out);
    }

    /// Let everybody have what is theirs.
    pub(super) fn deliver(&mut self, browsers: &mut [&mut Browser]) {
        self.answer();
        for item in self.out.sorted().to_vec() {
            if stun::Message::parse(self.out.bytes(&item)).is_some() {
                continue;
            }
            if let Some(browser) = browsers.iter_mut().find(|browser| browser.id == item.peer) {
                assert_eq!(browser.path, item.path);
                browser.take(self.out.bytes(&item));
            }
        }
        self.clear();
    }

    pub(super) fn clear(&mut self) {
        self.out.clear();
        self.seen = 0;
    }

    /// Answer what was asked, as a browser does wherever it is.
    pub(super) fn answer(&mut self) {
        let new: Vec<_> = self.out.items().iter().skip(self.seen).copied().collect();
        for item in new {
            let question = stun::Message::parse(self.out.bytes(&item)).filter(|message| !message.is_answer);
            if let Some(question) = question.filter(|_| !self.deaf.contains(&item.path)) {
                assert_eq!(question.local_ufrag(), b"them");
                let mut answer = Vec::new();
                question.respond(item.path.remote, &stun::integrity_key(REMOTE_PASSWORD), &mut answer);
                self.exchange.receive(&mut answer, item.path, self.now, &mut self.out);
            }
        }
        self.seen = self.out.items().len();
    }

    pub(super) fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now = self.now.plus_millis(1);
            self.exchange.run_rounds(self.now, &mut self.out);
            self.answer();
        }
    }
}

pub(super) fn keyframe(id: u16) -> [u8; 14] {
    keyframe_of(id, 640, 480)
}

pub(super) fn keyframe_of(id: u16, width: u16, height: u16) -> [u8; 14] {
    let ([high, low], [w, idth], [h, eight]) = ((0x8000 | id).to_be_bytes(), width.to_le_bytes(), height.to_le_bytes());
    [0x90, 0x80, high, low, 0x00, 0xaa, 0xaa, 0x9d, 0x01, 0x2a, w, idth, h, eight]
}

pub(super) fn delta(id: u16) -> [u8; 14] {
    let [high, low] = (0x8000 | id).to_be_bytes();
    let mut payload = [0xbb; 14];
    payload[..5].copy_from_slice(&[0x90, 0x80, high, low, 0x01]);
    payload
}

#[test]
fn a_slot_shows_one_continuous_stream_across_partners() {
    let mut world = World::new();
    let (mut ann, mut bob, mut eve) = (world.join(1, 96), world.join(2, 40), world.join(3, 110));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 900_000, &keyframe(7));
    world.pass(33);
    world.send(&mut bob, Medium::Camera, 903_000, &delta(8));
    world.pass(67);
    world.show(&ann, Some(&eve));
    world.send(&mut bob, Medium::Camera, 906_000, &delta(9));
    world.send(&mut eve, Medium::Camera, 5, &keyframe(30_000));
    world.deliver(&mut [&mut ann, &mut bob, &mut eve]);

    let headers: Vec<Header> = ann.media.iter().map(|(header, _)| *header).collect();
    assert_eq!(headers.len(), 3);
    assert!(headers.iter().all(|header| header.ssrc == ann.slot(Medium::Camera) && header.payload_type == 97));
    assert!(headers.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
    assert_eq!(headers[1].timestamp.wrapping_sub(headers[0].timestamp), 3_000);
    // 100 ms passed since the line began.
    assert_eq!(headers[2].timestamp.wrapping_sub(headers[0].timestamp), 100 * 90);
    let pictures: Vec<u16> =
        ann.media.iter().map(|(header, packet)| vp8::picture(&packet[header.payload..]).unwrap().id).collect();
    assert_eq!(pictures, [0, 1, 2]);
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, MID) == Some(b"6")));
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, SEND_TIME).is_some()));
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, TRANSPORT).is_none()));
}

#[test]
fn video_waits_for_a_keyframe_that_is_asked_for_at_once_and_again() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(bob.kinds().iter().filter(|kind| **kind == PLI).count(), 1);
    for frame in 0..20_u16 {
        world.send(&mut bob, Medium::Camera, 3_000 * u32::from(frame), &delta(frame));
        world.pass(50);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty());
    // At 250 and 750 ms.
    assert_eq!(bob.kinds().iter().filter(|kind| **kind == PLI).count(), 2);
    world.send(&mut bob, Medium::Camera, 70_000, &keyframe(21));
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 1);
}

#[test]
fn a_picture_that_claims_to_be_larger_than_any_camera_s_is_not_passed_on() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    world.pass(500);
    world.deliver(&mut [&mut ann, &mut bob]);
    bob.kinds();
    world.send(&mut bob, Medium::Camera, 45_000, &keyframe_of(1, 16_383, 16_383));
    // Neither what belongs to it nor what follows: it is as if it had not come, and another is asked for.
    world.send(&mut bob, Medium::Camera, 45_000, &[0x80, 0x80, 0x80, 0x01, 0xaa]);
    world.send(&mut bob, Medium::Camera, 48_000, &delta(2));
    world.pass(500);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 1);
    assert_eq!(world.exchange.totals.drops.get(Reason::PictureTooLarge), 1);
    assert_eq!(world.exchange.totals.drops.get(Reason::AwaitingKeyframe), 2);
    assert!(bob.kinds().contains(&PLI));
    world.send(&mut bob, Medium::Camera, 90_000, &keyframe(3));
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 2);
}

#[test]
fn two_receivers_of_one_sender_see_nothing_by_which_it_is_known_again() {
    let mut world = World::new();
    let (mut ann, mut eve, mut bob) = (world.join(1, 96), world.join(3, 40), world.join(2, 110));
    let numbers = |browser: &Browser| -> Vec<u16> {
        browser.media.iter().map(|(header, packet)| vp8::picture(&packet[header.payload..]).unwrap().id).collect()
    };
    for (receiver, first) in [(&mut ann, 29_815), (&mut eve, 29_869)] {
        world.show(receiver, Some(&bob));
        for number in 0..3 {
            let payload = if number == 0 { keyframe(first) } else { delta(first + number) };
            world.send(&mut bob, Medium::Camera, 3_000 * u32::from(first + number), &payload);
        }
        world.deliver(&mut [receiver, &mut bob]);
        world.show(receiver, None);
        assert_eq!(numbers(receiver), [0, 1, 2]);
    }
    let first = |browser: &Browser| (browser.media[0].0.sequence, browser.media[0].0.timestamp);
    assert_ne!(first(&ann), first(&eve));
}

#[test]
fn whoever_goes_on_by_another_path_gives_and_gets_a_keyframe_at_once() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.show(&bob, Some(&ann));
    for browser in [&mut ann, &mut bob] {
        world.send(browser, Medium::Camera, 0, &keyframe(0));
    }
    world.pass(5_000);
    world.deliver(&mut [&mut ann, &mut bob]);
    ann.kinds();
    bob.kinds();
    for number in 0..100 {
        ann.path.remote.set_port(20_000 + u16::from(number));
        world.exchange.receive(&mut nomination("ufrag1", number), ann.path, world.now, &mut world.out);
        world.answer();
    }
    let plis = |world: &mut World, browser: &mut Browser| {
        let mine: Vec<_> = world.out.sorted().iter().filter(|item| item.peer == browser.id).copied().collect();
        for item in &mine {
            if stun::Message::parse(world.out.bytes(item)).is_none() {
                browser.take(world.out.bytes(item));
            }
        }
        browser.kinds().iter().filter(|kind| **kind == PLI).count()
    };
    assert_eq!((plis(&mut world, &mut ann), plis(&mut world, &mut bob)), (1, 1));
}

#[test]
fn a_storm_of_keyframe_requests_costs_the_sender_two_a_second() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    world.pass(1_000);
    world.deliver(&mut [&mut ann, &mut bob]);
    bob.kinds();
    for _ in 0..2_000 {
        let mut pli = Vec::new();
        crate::wire::rtcp::write_pli(1, ann.slot(Medium::Camera), &mut pli);
        ann.outbound.seal_rtcp(&mut pli, 0).unwrap();
        world.exchange.receive(&mut pli, ann.path, world.now, &mut world.out);
        world.pass(1);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(bob.kinds().iter().filter(|kind| **kind == PLI).count(), 4);
    assert!(world.exchange.totals.drops.get(Reason::FeedbackThrottled) > 1_900);
}

#[test]
fn padding_is_counted_for_congestion_control_and_leaves_no_hole() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    for payload in [&keyframe(1)[..], &[], &[], &delta(2)] {
        world.send(&mut bob, Medium::Camera, 3_000, payload);
    }
    world.pass(100);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media[1].0.sequence, ann.media[0].0.sequence.wrapping_add(1));
    // Four packets are reported on.
    let reported = |compound: &Vec<u8>| {
        let at = compound.windows(2).position(|pair| pair[0] & 0x9f == 0x8f && pair[1] == TRANSPORT_FEEDBACK.0)?;
        crate::wire::bytes::u16_at(compound, at + 14)
    };
    assert_eq!(bob.feedback.iter().filter_map(reported).sum::<u16>(), 4);
}

#[test]
fn sound_starts_a_talk_spurt_at_each_switch_and_keeps_its_level() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    for packet in 0..2 {
        world.send(&mut bob, Medium::Microphone, 960 * packet, b"opus");
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    let markers: Vec<bool> = ann.media.iter().map(|(header, _)| header.marker).collect();
    assert_eq!(markers, [true, false]);
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, AUDIO_LEVEL) == Some(&[0x85])));
}

#[test]
fn reports_and_feedback_come_in_time_and_a_cap_is_lifted_at_each_pairing() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    for frame in 0..100_u16 {
        let payload = if frame == 0 { keyframe(0) } else { delta(frame) };
        world.send(&mut bob, Medium::Camera, 900 * u32::from(frame), &payload);
        world.pass(10);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    let kinds = bob.kinds();
    let feedback = kinds.iter().filter(|kind| **kind == TRANSPORT_FEEDBACK).count();
    assert!((9..=11).contains(&feedback), "{feedback}");
    assert!(kinds.contains(&REMB));
    assert!(kinds.contains(&(201, 1)));
    let kinds = ann.kinds();
    // One soon after the switch, then one a second; each with a source description.
    let reports = kinds.iter().filter(|(kind, _)| *kind == 200).count();
    assert!((1..=3).contains(&reports), "{reports}");
    assert_eq!(kinds.iter().filter(|(kind, _)| *kind == 202).count(), reports);
}

/// A sender report, always at the same moment of the sender's clock.
fn report(world: &mut World, browser: &mut Browser, medium: Medium, rtp: u32) {
    let anchor = crate::wire::rtcp::Anchor { ntp: 77 << 32, rtp };
    let info = crate::wire::rtcp::SenderInfo { ssrc: browser.ssrc(medium), anchor, sent: (0, 0) };
    let mut report = Vec::new();
    crate::wire::rtcp::write_sender_report(info, &mut report);
    browser.outbound.seal_rtcp(&mut report, 0).unwrap();
    world.exchange.receive(&mut report, browser.path, world.now, &mut world.out);
}

#[test]
fn sound_that_paused_is_not_taken_for_late() {
    let mut world = World::new();
    let (mut ann, mut bob, mut eve) = (world.join(1, 96), world.join(2, 96), world.join(3, 96));
    world.show(&ann, Some(&bob));
    world.send(&mut eve, Medium::Microphone, 9_040, b"before");
    report(&mut world, &mut eve, Medium::Microphone, 9_040);
    world.send(&mut bob, Medium::Microphone, 48_000, b"first");
    world.show(&ann, Some(&eve));
    world.pass(200);
    // Eve's timestamps stood still while nobody listened: 20 ms of sound in 200.
    world.send(&mut eve, Medium::Microphone, 10_000, b"second");
    world.deliver(&mut [&mut ann, &mut bob, &mut eve]);
    let [first, second] = [0, 1].map(|packet| ann.media[packet].0.timestamp);
    assert_eq!(second.wrapping_sub(first), 200 * 48);
}

#[test]
fn our_reports_place_sound_and_picture_together() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    // The picture was captured together with the sound, but comes 80 ms later.
    world.send(&mut bob, Medium::Microphone, 48_000, b"opus");
    world.pass(80);
    world.send(&mut bob, Medium::Camera, 90_000, &keyframe(0));
    for (medium, rtp) in [(Medium::Microphone, 48_000), (Medium::Camera, 90_000)] {
        report(&mut world, &mut bob, medium, rtp);
    }
    // Ten milliseconds closer with each report.
    world.pass(12_000);
    world.deliver(&mut [&mut ann, &mut bob]);
    let mut captured = Vec::new();
    for medium in [Medium::Microphone, Medium::Camera] {
        let (first, _) = ann.media.iter().find(|(header, _)| header.ssrc == ann.slot(medium)).unwrap();
        let rate = if medium.is_video() { 90_000.0 } else { 48_000.0 };
        let mut latest = None;
        for compound in &ann.feedback {
            crate::wire::rtcp::read(compound, |packet| {
                if let crate::wire::rtcp::Packet::SenderReport { ssrc, anchor } = packet {
                    if ssrc == first.ssrc {
                        let behind = f64::from(first.timestamp.wrapping_sub(anchor.rtp) as i32) / rate;
                        latest = Some(anchor.ntp as f64 / 2_f64.powi(32) + behind);
                    }
                }
            })
            .unwrap();
        }
        captured.push(latest.unwrap());
    }
    assert!((captured[0] - captured[1]).abs() < 0.002, "{captured:?}");
}

#[test]
fn who_leaves_says_goodbye_and_is_shown_to_nobody() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.show(&bob, Some(&ann));
    world.order(Command::Close { peer: 2 });
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(bob.kinds().contains(&(203, 2)));
    world.send(&mut bob, Medium::Microphone, 0, b"late");
    world.send(&mut ann, Medium::Microphone, 0, b"to nobody");
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty() && bob.media.is_empty());
    assert_eq!(world.exchange.totals.drops.get(Reason::NotRouted), 1);
}

#[test]
fn strangers_and_replays_reach_nobody() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    let packet = bob.packet(Medium::Microphone, 0, b"once");
    let stranger = Path::udp("203.0.113.9:9".parse().unwrap(), bob.path.local);
    for path in [bob.path, bob.path, stranger] {
        world.exchange.receive(&mut packet.clone(), path, world.now, &mut world.out);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 1);
    assert_eq!(world.exchange.totals.drops.get(Reason::SrtpRejected), 1);
    assert_eq!(world.exchange.totals.drops.get(Reason::UnverifiedSource), 1);
}

#[test]
fn keys_are_taken_once() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    for seed in [1, 9] {
        // The same again would have packets sealed twice with one nonce, and others are of no handshake.
        world.order(Command::Secure { peer: 1, receive: keys(seed), send: keys(100 + seed) });
        world.send(&mut bob, Medium::Microphone, 960 * u32::from(seed), b"for ann");
        world.pass(2_000);
        world.deliver(&mut [&mut ann, &mut bob]);
    }
    assert_eq!(ann.media.len(), 2);
    world.show(&bob, Some(&ann));
    world.send(&mut ann, Medium::Microphone, 0, b"of ann");
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(bob.media.len(), 1);
}

#[test]
fn who_sends_media_alone_is_not_silent_and_loses_the_flow() {
    let mut world = World::new();
    let mut ann = world.join(1, 96);
    world.deaf.push(ann.path);
    for second in 0..30 {
        world.send(&mut ann, Medium::Microphone, 48_000 * second, b"still here");
        world.pass(1_000);
        assert_eq!(world.exchange.take_events(), []);
    }
    world.pass(1_100);
    assert_eq!(world.exchange.take_events(), [Event::FlowLost(ann.id)]);
    world.send(&mut ann, Medium::Microphone, 1_440_000, b"too late");
    assert_eq!(world.exchange.totals.drops.get(Reason::UnverifiedSource), 1, "her address is nobody's");
}

#[test]
fn who_checks_and_answers_nothing_loses_the_flow() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    world.deaf.push(ann.path);
    for number in 0..12 {
        world.exchange.receive(&mut nomination("ufrag1", 100 + number), ann.path, world.now, &mut world.out);
        world.pass(2_500);
    }
    assert_eq!(world.exchange.take_events(), []);
    world.pass(1_100);
    assert!(world.exchange.take_events().contains(&Event::FlowLost(ann.id)), "somebody may write in her name");
}

#[test]
fn who_answers_needs_no_checks() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    world.pass(60_000);
    assert_eq!(world.exchange.take_events(), []);
    world.deaf.push(ann.path);
    // The latest answer may be six seconds old.
    world.pass(23_000);
    assert!(!world.exchange.take_events().contains(&Event::FlowLost(ann.id)));
    world.pass(9_000);
    assert!(world.exchange.take_events().contains(&Event::FlowLost(ann.id)));
}

#[test]
fn who_was_quiet_is_resumed_at_once() {
    let mut world = World::new();
    let mut ann = world.join(1, 96);
    world.deaf.push(ann.path);
    world.pass(9_000);
    assert_eq!(world.exchange.take_events(), [Event::FlowSilent(ann.id)]);
    world.send(&mut ann, Medium::Microphone, 0, b"back");
    assert_eq!(world.exchange.take_events(), [Event::FlowResumed(ann.id)]);
    world.pass(9_000);
    assert_eq!(world.exchange.take_events(), [Event::FlowSilent(ann.id)]);
}

#[test]
fn probes_on_a_retransmission_stream_are_not_forwarded() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    let fields = Written { marker: false, payload_type: 98, sequence: 5, timestamp: 0, ssrc: 2_101 };
    let mut probe = Vec::new();
    let header = write_header(&mut probe, fields, [(TRANSPORT, &[0, 9][..])]);
    probe.extend_from_slice(&[0; 50]);
    bob.outbound.seal_rtp(&mut probe, 0, header, fields.ssrc, 5).unwrap();
    world.exchange.receive(&mut probe, bob.path, world.now, &mut world.out);
    world.pass(100);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty());
    assert!(bob.kinds().contains(&TRANSPORT_FEEDBACK));
}

#[test]
fn a_flood_of_authentic_packets_is_not_passed_on() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    for timestamp in 0..10_000 {
        world.send(&mut bob, Medium::Microphone, timestamp, b"flood");
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 2_500);
    assert_eq!(world.exchange.totals.drops.get(Reason::Flooded), 7_500);
    world.pass(1_000);
    world.send(&mut bob, Medium::Microphone, 10_000, b"calm again");
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 2_501);
}

/// What a slot's receiver sees of a source that makes a step of its numbers before each of 20 packets.
fn leaping(medium: Medium, step: u64, tick: u32) -> Vec<Header> {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    bob.index = 0;
    for number in 0..20 {
        bob.index += step;
        world.send(&mut bob, medium, tick.wrapping_mul(number), &keyframe(number as u16));
        world.pass(20);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    ann.media.iter().map(|(header, _)| *header).collect()
}

#[test]
fn a_source_whose_numbers_leap_leads_no_receiver_astray() {
    for medium in [Medium::Microphone, Medium::Camera] {
        let headers = leaping(medium, 20_000, 900);
        assert_eq!(headers.len(), 20);
        assert!(headers.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
        // A few that are missing stay missing.
        let headers = leaping(medium, 3, 900);
        assert!(headers.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(4)));
    }
    // Nor do many small steps.
    let headers = leaping(Medium::Microphone, 600, 900);
    let led = headers[19].sequence.wrapping_sub(headers[0].sequence);
    assert!(led <= 20 + 1_000, "{led}");
}

#[test]
fn a_source_whose_timestamps_leap_is_shown_by_our_clock() {
    for tick in [1 << 30, 1 << 31, 3 << 30] {
        let headers = leaping(Medium::Camera, 0, tick);
        assert_eq!(headers.len(), 20);
        for pair in headers.windows(2) {
            assert!((1..=90 * 40).contains(&pair[1].timestamp.wrapping_sub(pair[0].timestamp)), "{tick}: {pair:?}");
        }
    }
}

#[test]
fn a_flood_of_few_large_packets_is_not_passed_on_either() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    // Three times what it should send, 2.5 Mbit/s.
    for timestamp in 0..1_500 {
        world.send(&mut bob, Medium::Microphone, timestamp, &[7; 1_200]);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!((740..782).contains(&ann.media.len()), "{}", ann.media.len());
    assert_eq!(world.exchange.totals.drops.get(Reason::Flooded) as usize, 1_500 - ann.media.len());
    world.pass(1_000);
    world.send(&mut bob, Medium::Microphone, 10_000, b"calm again");
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.last().unwrap().0.timestamp.wrapping_sub(ann.media[0].0.timestamp), 10_000);
}

#[test]
fn forged_packets_use_up_nobody_s_allowance() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    for _ in 0..10_000 {
        world.exchange.receive(&mut [0x80; 100], bob.path, world.now, &mut world.out);
    }
    world.send(&mut bob, Medium::Microphone, 0, b"real");
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 1);
}

#[test]
fn handshake_datagrams_go_up_only_so_often() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let mut sealed = [0; 30];
    sealed[..5].copy_from_slice(&[22, 0xfe, 0xfd, 0, 1]);
    sealed[12] = 17;
    for _ in 0..1_000 {
        world.exchange.receive(&mut [22; 30], ann.path, world.now, &mut world.out);
    }
    assert_eq!(world.exchange.totals.drops.get(Reason::DtlsRefused), 1_000);
    for _ in 0..1_000 {
        world.exchange.receive(&mut sealed, ann.path, world.now, &mut world.out);
    }
    assert_eq!(world.exchange.take_events().len(), 50);
    assert_eq!(world.exchange.totals.drops.get(Reason::DtlsBacklog), 950);
}
