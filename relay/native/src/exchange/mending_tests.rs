//! Loss between browsers and the exchange, in simulated time.
#![allow(clippy::unwrap_used)]

use super::tests::{Browser, World, delta, keyframe};
use super::*;
use crate::forward::line::Medium;
use crate::rtcp;

/// `receiver` complains of packets of its camera slot.
fn complain(world: &mut World, receiver: &mut Browser, missing: &[u16]) {
    let mut nack = Vec::new();
    rtcp::write_nack(1, receiver.slot(Medium::Camera), missing, &mut nack);
    receiver.outbound.seal_rtcp(&mut nack, 0).unwrap();
    world.exchange.receive(&mut nack, receiver.path, world.now, &mut world.out);
}

#[test]
fn what_a_receiver_misses_is_sent_again_on_its_retransmission_stream() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    for frame in 1..5 {
        world.pass(33);
        world.send(&mut bob, Medium::Camera, 3_000 * u32::from(frame), &delta(frame));
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    let lost = ann.media[2].clone();
    complain(&mut world, &mut ann, &[lost.0.sequence]);
    world.deliver(&mut [&mut ann, &mut bob]);
    let (header, packet) = ann.media.last().unwrap();
    assert_eq!((header.ssrc, header.payload_type), (ann.slot(Medium::Camera) + 100, 106));
    assert_eq!((header.timestamp, header.marker), (lost.0.timestamp, lost.0.marker));
    let [first, second, payload @ ..] = &packet[header.payload..] else { unreachable!() };
    assert_eq!(u16::from_be_bytes([*first, *second]), lost.0.sequence);
    assert_eq!(payload, &lost.1[lost.0.payload..]);
}

#[test]
fn a_storm_of_complaints_is_answered_within_the_budget() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    let mut payload = keyframe(0).to_vec();
    payload.resize(1_000, 0);
    for frame in 0..200 {
        world.send(&mut bob, Medium::Camera, 900 * frame, &payload);
        world.pass(10);
        world.deliver(&mut [&mut ann, &mut bob]);
        let recent: Vec<u16> = ann.media.iter().rev().take(20).rev().map(|(header, _)| header.sequence).collect();
        complain(&mut world, &mut ann, &recent);
        world.out.clear();
    }
    // Two seconds at 800 kbit/s: 15 % of that and what was saved up.
    let again = world.exchange.peers[&1].counters.sent_again.get();
    assert!((40..=52).contains(&again), "{again}");
    assert!(world.exchange.totals.drops.get(Reason::OverBudget) > 500);
    assert!(world.exchange.totals.drops.get(Reason::FeedbackThrottled) == 0);
}

#[test]
fn what_was_kept_is_forgotten_when_the_picture_changes_and_when_somebody_leaves() {
    let mut world = World::new();
    let (ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    let kept = |world: &World| world.exchange.totals.kept.get();
    for end in 0..3 {
        world.show(&ann, Some(&bob));
        world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
        assert!(kept(&world) > 0);
        match end {
            0 => world.show(&ann, None),
            1 => world.pass(1_200),
            _ => world.order(Command::Close { peer: 1 }),
        }
        assert_eq!(kept(&world), 0);
        world.show(&ann, None);
    }
}
