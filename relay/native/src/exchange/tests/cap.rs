//! Links that are full: what the sender of a picture is told because of them.

use super::world::{Browser, World, keyframe};
use crate::ids::Medium;
use crate::wire::rtcp;

/// `receiver` reports on its camera slot, and what it estimates it can receive.
fn report(world: &mut World, receiver: &mut Browser, fraction_lost: u8, estimate: u64) {
    let ssrc = receiver.slot(Medium::Camera);
    let highest = receiver.media.last().map_or(0, |(header, _)| u32::from(header.sequence));
    let block = rtcp::ReportBlock { ssrc, fraction_lost, lost: 0, highest, jitter: 0, last_report: 0, delay: 0 };
    let mut compound = Vec::new();
    rtcp::write_receiver_report(1, &[block], &mut compound);
    rtcp::write_remb(1, estimate, &[ssrc], &mut compound);
    receiver.outbound.seal_rtcp(&mut compound, 0).unwrap();
    world.exchange.receive(&mut compound, receiver.path, world.now, &mut world.out);
}

/// What `sender` was told it may send, since the last call.
fn caps(sender: &mut Browser) -> Vec<u64> {
    let mut caps = Vec::new();
    for compound in sender.feedback.drain(..) {
        rtcp::read(&compound, |packet| {
            if let rtcp::Packet::Estimate { bitrate } = packet {
                caps.push(bitrate / 1_000);
            }
        })
        .unwrap();
    }
    caps
}

#[test]
fn a_sender_is_capped_while_its_partner_s_link_is_full_and_freed_at_the_next_pairing() {
    let mut world = World::new();
    let (mut ann, mut bob, eve) = (world.join(1, 96), world.join(2, 40), world.join(3, 40));
    world.show(&ann, Some(&bob));
    let mut payload = keyframe(0).to_vec();
    payload.resize(1_000, 0);
    let second = |world: &mut World, ann: &mut Browser, bob: &mut Browser, lost: u8, estimate: u64| {
        for frame in 0..100 {
            if frame % 20 == 0 {
                world.deliver(&mut [ann, bob]);
                report(world, ann, lost, estimate);
            }
            world.send(bob, Medium::Camera, 900 * frame, &payload);
            world.pass(10);
        }
        world.deliver(&mut [ann, bob]);
        caps(bob)
    };
    // 800 kbit/s on a free link, and on one that merely loses some.
    assert_eq!(second(&mut world, &mut ann, &mut bob, 0, 1_200_000), [2_500]);
    assert_eq!(second(&mut world, &mut ann, &mut bob, 12, 1_200_000), []);
    let told = second(&mut world, &mut ann, &mut bob, 30, 280_000);
    assert!((2..=4).contains(&told.len()) && told.iter().all(|cap| (500..750).contains(cap)), "{told:?}");
    world.show(&ann, None);
    world.show(&eve, Some(&bob));
    world.pass(500);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(caps(&mut bob), [2_500], "once");
}

#[test]
fn who_is_watched_by_two_is_told_what_the_narrower_link_takes() {
    let mut world = World::new();
    let (mut ann, mut bob, mut eve) = (world.join(1, 96), world.join(2, 40), world.join(3, 40));
    world.show(&ann, Some(&bob));
    world.show(&eve, Some(&bob));
    let mut payload = keyframe(0).to_vec();
    payload.resize(1_000, 0);
    for frame in 0..300 {
        if frame % 20 == 0 {
            world.deliver(&mut [&mut ann, &mut bob, &mut eve]);
            let estimate = if frame < 100 { 1_200_000 } else { 280_000 };
            for (receiver, lost) in [(&mut ann, 60), (&mut eve, 120)] {
                report(&mut world, receiver, if frame < 100 { 0 } else { lost }, estimate);
            }
        }
        world.send(&mut bob, Medium::Camera, 900 * frame, &payload);
        world.pass(10);
    }
    world.deliver(&mut [&mut ann, &mut bob, &mut eve]);
    let now = world.now;
    let [wide, narrow] = [1, 3].map(|id| {
        let peer = world.exchange.peers.get_mut(&id).unwrap();
        peer.downlink.cap(peer.delivered, 2_500_000, now).unwrap() / 1_000
    });
    let told = *caps(&mut bob).last().unwrap();
    assert!(narrow + 100 < wide && told.abs_diff(narrow) < 20, "{told}: {narrow}, {wide}");
}

#[test]
fn what_a_receiver_told_of_its_last_partner_s_picture_holds_nobody_else_down() {
    let mut world = World::new();
    let (mut ann, mut bob, mut eve) = (world.join(1, 96), world.join(2, 40), world.join(3, 40));
    world.show(&ann, Some(&bob));
    let mut payload = keyframe(0).to_vec();
    payload.resize(1_000, 0);
    for frame in 0..200 {
        if frame % 20 == 0 {
            let (lost, estimate) = if frame < 100 { (0, 1_200_000) } else { (60, 280_000) };
            world.deliver(&mut [&mut ann, &mut bob]);
            report(&mut world, &mut ann, lost, estimate);
        }
        world.send(&mut bob, Medium::Camera, 900 * frame, &payload);
        world.pass(10);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(caps(&mut bob).last().is_some_and(|cap| *cap < 800));
    world.show(&ann, Some(&eve));
    for frame in 0..100 {
        world.send(&mut eve, Medium::Camera, 900 * frame, &payload);
        world.pass(10);
    }
    world.deliver(&mut [&mut ann, &mut eve]);
    assert_eq!(caps(&mut eve), [2_500]);
}
