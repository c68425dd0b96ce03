//! Somebody who is shown two partners: one medium in two seats.

use super::world::{World, delta, keyframe};
use crate::exchange::*;
use crate::forward::line::{ExtensionIds, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::ids::{LineId, Medium, Seat};
use crate::wire::codecs::Codec;
use crate::wire::rtp::{Header, is_rtcp};

/// Within the process, so that what it is sent can be read.
const WATCHER: PeerId = 9;
const PARTNERS: [PeerId; 2] = [1, 2];

fn slot(seat: Seat) -> SlotSetup {
    SlotSetup {
        seat,
        medium: Medium::Camera,
        mid: Vec::new(),
        ssrc: 80 + u32::from(seat),
        rtx_ssrc: 90 + u32::from(seat),
        codecs: vec![NumberedCodec { codec: Codec::Vp8, payload_type: 96, rtx_payload_type: None }],
        extensions: ExtensionIds::default(),
    }
}

fn route(world: &mut World, seat: Seat, source: Option<PeerId>) {
    let source = source.map(|peer| LineId { peer, medium: Medium::Camera });
    world.order(Command::Route { slot: SlotId { peer: WATCHER, seat, medium: Medium::Camera }, source });
}

/// The streams that the watcher was sent since the last call.
fn streams(world: &mut World) -> Vec<u32> {
    let media = world.out.take_inside().into_iter().filter(|(_, packet)| !is_rtcp(packet));
    media.map(|(_, packet)| Header::parse(&packet).unwrap().ssrc).collect()
}

#[test]
fn each_seat_shows_its_own_partner() {
    let mut world = World::new();
    let mut partners = PARTNERS.map(|id| world.join(id, 40));
    let setup = PeerSetup { lines: Vec::new(), slots: vec![slot(0), slot(1)], bitrate: 2_500_000 };
    world.order(Command::OpenTranscoder { peer: WATCHER, setup });
    for (seat, partner) in PARTNERS.iter().enumerate() {
        route(&mut world, seat as Seat, Some(*partner));
    }
    let mut send = |world: &mut World, timestamp: u32, payload: &[u8]| {
        for partner in &mut partners {
            world.send(partner, Medium::Camera, timestamp, payload);
        }
        streams(world)
    };
    assert_eq!(send(&mut world, 0, &keyframe(0)), [80, 81]);
    assert_eq!(send(&mut world, 3_000, &delta(1)), [80, 81]);
    route(&mut world, 0, None);
    assert_eq!(send(&mut world, 6_000, &delta(2)), [81], "the other seat goes on");
    world.order(Command::Close { peer: PARTNERS[1] });
    assert_eq!(send(&mut world, 9_000, &delta(3)), []);
    assert!(world.exchange.peers[&WATCHER].slots.iter().all(|slot| slot.source.is_none()));
}
