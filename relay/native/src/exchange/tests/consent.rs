//! Who is silent, who is back, and whose consent has expired.

use super::world::{World, nomination};
use crate::exchange::*;
use crate::ids::Medium;

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
