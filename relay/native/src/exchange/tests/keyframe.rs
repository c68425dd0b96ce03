//! When a sender is asked for a keyframe, and what is not shown without one.

use super::world::{Browser, PLI, World, delta, keyframe, keyframe_of, nomination};
use crate::exchange::*;
use crate::ids::Medium;
use crate::wire::stun;

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
fn one_who_goes_on_by_another_path_gives_and_gets_a_keyframe_at_once() {
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
fn who_moves_all_the_time_costs_the_partner_a_keyframe_a_second() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    world.pass(5_000);
    world.deliver(&mut [&mut ann, &mut bob]);
    bob.kinds();
    for number in 0..20 {
        ann.path.remote.set_port(20_000 + u16::from(number));
        world.exchange.receive(&mut nomination("ufrag1", number), ann.path, world.now, &mut world.out);
        world.deliver(&mut [&mut bob]);
        world.pass(200);
    }
    assert_eq!(bob.kinds().iter().filter(|kind| **kind == PLI).count(), 4);
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
