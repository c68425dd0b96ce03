//! Which streams a line takes for its own, and what becomes of a stream that changes.

use super::world::{MID, World, delta, keyframe};
use crate::exchange::*;
use crate::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::ids::{LineId, Medium};
use crate::wire::codecs::Codec;
use crate::wire::rtp::{Header, Written, is_rtcp, write_header};

/// Both are within the process, so that what one is sent of the other can be read.
const SENDER: PeerId = 1;
const WATCHER: PeerId = 2;

const VP8: u8 = 96;
const H264: u8 = 98;
/// What retransmissions are numbered above what they repeat.
const RTX: u8 = 10;
const IDR: [u8; 2] = [0x65, 0xaa];
const SLICE: [u8; 2] = [0x41, 0xbb];

fn codecs(first: u8) -> Vec<NumberedCodec> {
    let numbered =
        |codec, payload_type| NumberedCodec { codec, payload_type, rtx_payload_type: Some(payload_type + RTX) };
    vec![numbered(Codec::Vp8, first), numbered(Codec::H264, first + H264 - VP8)]
}

/// Somebody watches a camera whose offer announced this stream, or none.
fn watched(ssrc: Option<u32>) -> World {
    let mut world = World::new();
    let extensions = ExtensionIds { mid: Some(MID), ..ExtensionIds::default() };
    let (medium, mid) = (Medium::Camera, b"1".to_vec());
    let line = LineSetup { medium, mid: mid.clone(), ssrc, rtx_ssrc: None, codecs: codecs(VP8), extensions };
    let slot = SlotSetup { seat: 0, medium, mid, ssrc: 80, rtx_ssrc: 81, codecs: codecs(40), extensions };
    for (peer, lines, slots) in [(SENDER, vec![line], vec![]), (WATCHER, vec![], vec![slot])] {
        world.order(Command::OpenTranscoder { peer, setup: PeerSetup { lines, slots, bitrate: 2_500_000 } });
    }
    let slot = SlotId { peer: WATCHER, seat: 0, medium };
    world.order(Command::Route { slot, source: Some(LineId { peer: SENDER, medium }) });
    world
}

/// The sender sends one packet on a stream, with or without the section's name. Gives the payload types of what the
/// watcher is sent.
fn send(world: &mut World, ssrc: u32, sequence: u16, named: bool, (payload_type, payload): (u8, &[u8])) -> Vec<u8> {
    let fields = Written { marker: true, payload_type, sequence, timestamp: 3_000 * u32::from(sequence), ssrc };
    let mut packet = Vec::new();
    write_header(&mut packet, fields, named.then_some((MID, &b"1"[..])));
    packet.extend_from_slice(payload);
    world.order(Command::Inject { peer: SENDER, packet });
    let sent = world.out.take_inside().into_iter().filter(|(peer, packet)| *peer == WATCHER && !is_rtcp(packet));
    sent.map(|(_, packet)| Header::parse(&packet).unwrap().payload_type).collect()
}

#[test]
fn a_line_whose_stream_was_announced_takes_no_other() {
    let mut world = watched(Some(7));
    assert_eq!(send(&mut world, 7, 0, false, (VP8, &keyframe(0))), [40]);
    assert_eq!(send(&mut world, 8, 0, true, (VP8, &keyframe(0))), []);
    assert_eq!(world.exchange.totals.drops.get(Reason::UnknownSsrc), 1);
    assert_eq!(send(&mut world, 7, 1, false, (VP8, &delta(1))), [40]);
}

#[test]
fn a_line_without_an_announced_stream_learns_it_by_name_a_dozen_times() {
    let mut world = watched(None);
    assert_eq!(send(&mut world, 1, 0, false, (VP8, &keyframe(0))), [], "nothing says whose it is");
    let shown: Vec<u32> =
        (1..=20).filter(|ssrc| send(&mut world, *ssrc, 1, true, (VP8, &keyframe(0))) == [40]).collect();
    assert_eq!(shown, (1..=12).collect::<Vec<_>>());
    assert_eq!(world.exchange.totals.drops.get(Reason::UnknownSsrc), 1 + 8);
    // What was learnt last needs its name no more.
    assert_eq!(send(&mut world, 12, 2, false, (VP8, &delta(1))), [40]);
}

#[test]
fn a_stream_of_retransmissions_is_learnt_by_name_beside_it() {
    let mut world = watched(None);
    assert_eq!(send(&mut world, 1, 0, true, (VP8, &keyframe(0))), [40]);
    assert_eq!(send(&mut world, 1, 2, false, (VP8, &delta(2))), [40]);
    let again = [&[0, 1], &delta(1)[..]].concat();
    assert_eq!(send(&mut world, 9, 0, false, (VP8 + RTX, &again)), [], "nothing says whose it is");
    assert_eq!(send(&mut world, 9, 1, true, (VP8 + RTX, &again)), [40]);
    assert_eq!(send(&mut world, 1, 3, false, (VP8, &delta(3))), [40], "the line's own stream goes on");
}

#[test]
fn of_another_stream_on_a_line_nothing_is_shown_before_its_keyframe() {
    let mut world = watched(None);
    assert_eq!(send(&mut world, 1, 0, true, (VP8, &keyframe(0))), [40]);
    assert_eq!(send(&mut world, 2, 1, true, (VP8, &delta(1))), []);
    assert_eq!(send(&mut world, 2, 2, true, (VP8, &keyframe(2))), [40]);
}

#[test]
fn of_another_codec_on_a_line_nothing_is_shown_before_its_keyframe() {
    let mut world = watched(Some(7));
    assert_eq!(send(&mut world, 7, 0, false, (VP8, &keyframe(0))), [40]);
    assert_eq!(send(&mut world, 7, 1, false, (H264, &SLICE)), []);
    assert_eq!(send(&mut world, 7, 2, false, (H264, &IDR)), [42]);
    assert_eq!(send(&mut world, 7, 3, false, (H264, &SLICE)), [42]);
    assert_eq!(send(&mut world, 7, 4, false, (VP8, &delta(4))), []);
    assert_eq!(world.exchange.totals.drops.get(Reason::AwaitingKeyframe), 2);
}
