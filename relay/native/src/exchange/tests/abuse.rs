//! Strangers, replays and floods: what they reach, and what they cost.

use super::world::{World, keys};
use crate::exchange::*;
use crate::ids::Medium;

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
