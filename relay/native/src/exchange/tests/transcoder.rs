//! A transcoder between two browsers without a codec in common, in simulated time.

use super::world::{Browser, World, delta, keyframe};
use crate::exchange::*;
use crate::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::ids::{LineId, Medium, SlotId};
use crate::wire::codecs::Codec;
use crate::wire::rtcp;
use crate::wire::rtp::{Header, Written, is_rtcp, write_header};

const TRANSCODER: PeerId = 1 << 48;
const CAMERA: LineId = LineId { peer: TRANSCODER, medium: Medium::Camera };
const INPUT: SlotId = SlotId { peer: TRANSCODER, seat: 0, medium: Medium::Camera };
const ANN_S: SlotId = SlotId { peer: 1, seat: 0, medium: Medium::Camera };
const IDR: [u8; 2] = [0x65, 0xaa];
const DELTA: [u8; 2] = [0x41, 0xbb];
const PLI: (u8, u8) = (206, 1);
const REMB: (u8, u8) = (206, 15);

fn numbered(codec: Codec, payload_type: u8) -> Vec<NumberedCodec> {
    vec![NumberedCodec { codec, payload_type, rtx_payload_type: None }]
}

/// Ann, who knows H264 only, watches Bob, who sends VP8, by way of a transcoder.
fn transcoded() -> (World, Browser, Browser) {
    let mut world = World::new();
    let (ann, bob) = (world.join_with(1, 96, Codec::H264), world.join(2, 40));
    world.show(&ann, Some(&bob));
    let (mid, extensions) = (Vec::new(), ExtensionIds::default());
    let line = LineSetup {
        medium: Medium::Camera,
        mid: mid.clone(),
        ssrc: Some(70),
        rtx_ssrc: None,
        codecs: numbered(Codec::H264, 98),
        extensions,
    };
    let codecs = numbered(Codec::Vp8, 96);
    let slot = SlotSetup { seat: 0, medium: Medium::Camera, mid, ssrc: 80, rtx_ssrc: 81, codecs, extensions };
    let setup = PeerSetup { lines: vec![line], slots: vec![slot], bitrate: 2_500_000 };
    world.order(Command::OpenTranscoder { peer: TRANSCODER, setup });
    world.order(Command::Route { slot: INPUT, source: Some(LineId { peer: 2, medium: Medium::Camera }) });
    world.order(Command::Route { slot: ANN_S, source: Some(CAMERA) });
    (world, ann, bob)
}

/// What the transcoder encoded, as plain RTP.
fn inject(world: &mut World, sequence: u16, timestamp: u32, payload: &[u8]) {
    let mut packet = Vec::new();
    write_header(&mut packet, Written { marker: true, payload_type: 98, sequence, timestamp, ssrc: 70 }, []);
    packet.extend_from_slice(payload);
    world.order(Command::Inject { peer: TRANSCODER, packet });
}

/// Types and formats of the RTCP that the transcoder got.
fn kinds(world: &mut World) -> Vec<(u8, u8)> {
    let mut kinds = Vec::new();
    for (_, compound) in world.out.take_inside().into_iter().filter(|(_, packet)| is_rtcp(packet)) {
        let mut at = 0;
        while at < compound.len() {
            kinds.push((compound[at + 1], compound[at] & 31));
            at += 4 * (1 + usize::from(u16::from_be_bytes([compound[at + 2], compound[at + 3]])));
        }
    }
    kinds
}

#[test]
fn a_slot_that_knows_no_codec_of_its_source_says_so_once_a_second() {
    let mut world = World::new();
    let (ann, mut bob) = (world.join_with(1, 96, Codec::H264), world.join(2, 40));
    world.show(&ann, Some(&bob));
    for frame in 0..60_u16 {
        world.send(&mut bob, Medium::Camera, 3_000 * u32::from(frame), &keyframe(frame));
        world.pass(25);
    }
    assert_eq!(world.exchange.take_events(), [Event::NoCommonCodec(ANN_S), Event::NoCommonCodec(ANN_S)]);
    assert_eq!(world.exchange.totals.drops.get(Reason::NoCommonCodec), 60);
}

#[test]
fn a_transcoder_is_given_the_source_in_the_clear_from_a_keyframe_on() {
    let (mut world, mut ann, mut bob) = transcoded();
    let sent = world.exchange.totals.sent.packets.get();
    world.send(&mut bob, Medium::Camera, 0, &delta(6));
    world.send(&mut bob, Medium::Camera, 3_000, &keyframe(7));
    world.send(&mut bob, Medium::Camera, 6_000, &delta(8));
    let inside = world.out.take_inside();
    let media: Vec<_> = inside.iter().filter(|(_, packet)| !is_rtcp(packet)).collect();
    assert_eq!(media.len(), 2);
    for ((peer, packet), payload) in media.into_iter().zip([keyframe(0), delta(1)]) {
        let header = Header::parse(packet).unwrap();
        assert_eq!((*peer, header.ssrc, header.payload_type), (TRANSCODER, 80, 96));
        assert_eq!(packet[header.payload..], payload);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty());
    // What stays inside is no traffic.
    assert_eq!(world.exchange.totals.sent.packets.get(), sent);
}

#[test]
fn what_a_transcoder_encodes_is_shown_as_any_source_would_be() {
    let (mut world, mut ann, mut bob) = transcoded();
    let received = world.exchange.totals.received.packets.get();
    inject(&mut world, 5, 0, &DELTA);
    inject(&mut world, 6, 3_000, &IDR);
    inject(&mut world, 7, 6_000, &DELTA);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(world.exchange.totals.received.packets.get(), received);
    assert!(kinds(&mut world).contains(&PLI));
    let headers: Vec<Header> = ann.media.iter().map(|(header, _)| *header).collect();
    assert_eq!(headers.len(), 2);
    assert!(headers.iter().all(|header| header.ssrc == ann.slot(Medium::Camera) && header.payload_type == 97));
    // Another partner goes on in the same stream.
    let mut eve = world.join_with(3, 110, Codec::H264);
    world.show(&ann, Some(&eve));
    world.send(&mut eve, Medium::Camera, 77, &IDR);
    world.deliver(&mut [&mut ann, &mut bob, &mut eve]);
    assert_eq!(ann.media.len(), 3);
    assert_eq!(ann.media[2].0.sequence, headers[1].sequence.wrapping_add(1));
}

#[test]
fn a_watcher_s_plea_for_a_keyframe_and_its_cap_reach_the_transcoder() {
    let (mut world, mut ann, mut bob) = transcoded();
    inject(&mut world, 6, 3_000, &IDR);
    world.pass(1_000);
    world.deliver(&mut [&mut ann, &mut bob]);
    bob.kinds();
    assert!(kinds(&mut world).contains(&REMB));
    let mut pli = Vec::new();
    rtcp::write_pli(1, ann.slot(Medium::Camera), &mut pli);
    ann.outbound.seal_rtcp(&mut pli, 0).unwrap();
    world.exchange.receive(&mut pli, ann.path, world.now, &mut world.out);
    assert_eq!(kinds(&mut world), [(201, 0), PLI]);
    world.deliver(&mut [&mut ann, &mut bob]);
    // The person who is decoded may go on as they are.
    assert!(!bob.kinds().contains(&PLI));
}

#[test]
fn a_transcoder_that_is_closed_leaves_nothing_behind() {
    let (mut world, mut ann, mut bob) = transcoded();
    world.order(Command::Close { peer: TRANSCODER });
    world.order(Command::Release { peer: TRANSCODER });
    world.out.take_inside();
    world.send(&mut bob, Medium::Camera, 3_000, &keyframe(7));
    inject(&mut world, 6, 3_000, &IDR);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty());
    assert!(world.out.take_inside().is_empty());
    assert!(world.exchange.table.flow(TRANSCODER).is_none());
    // Neither the line that it watched nor the slot that it fed knows of it.
    let camera = Medium::Camera as usize;
    assert_eq!(world.exchange.totals.drops.get(Reason::NotRouted), 1, "nobody watches");
    assert!(world.exchange.peers[&2].lines[camera].as_ref().unwrap().receivers.is_empty());
    assert_eq!(world.exchange.peers[&1].slots.get(0, Medium::Camera).unwrap().source, None);
}
