//! What both sides are told in time: reports, feedback, and by which clock.

use super::world::{Browser, REMB, TRANSPORT_FEEDBACK, World, delta, keyframe};
use crate::ids::Medium;
use crate::wire::rtcp;

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
    let anchor = rtcp::Anchor { ntp: 77 << 32, rtp };
    let info = rtcp::SenderInfo { ssrc: browser.ssrc(medium), anchor, sent: (0, 0) };
    let mut report = Vec::new();
    rtcp::write_sender_report(info, &mut report);
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
            rtcp::read(compound, |packet| {
                if let rtcp::Packet::SenderReport { ssrc, anchor } = packet {
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
fn who_lately_estimated_less_is_reported_to_five_times_a_second_and_then_once_again() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    world.pass(2_000);
    world.deliver(&mut [&mut ann, &mut bob]);
    ann.kinds();
    let second = |world: &mut World, ann: &mut Browser| {
        world.pass(1_000);
        world.deliver(&mut [ann]);
        ann.kinds().iter().filter(|(kind, _)| *kind == 200).count()
    };
    assert_eq!(second(&mut world, &mut ann), 1);
    for estimate in [1_000_000, 900_000] {
        let mut compound = Vec::new();
        rtcp::write_receiver_report(1, &[], &mut compound);
        rtcp::write_remb(1, estimate, &[ann.slot(Medium::Camera)], &mut compound);
        ann.outbound.seal_rtcp(&mut compound, 0).unwrap();
        world.exchange.receive(&mut compound, ann.path, world.now, &mut world.out);
    }
    assert_eq!([0; 4].map(|_| second(&mut world, &mut ann)), [5, 5, 5, 1], "what comes back tells the round trip");
}

#[test]
fn bit_rates_are_those_of_the_last_second() {
    let mut world = World::new();
    let (ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    let mut rates = |world: &mut World, packets: u32| {
        for packet in 0..100 {
            if packet < packets {
                world.send(&mut bob, Medium::Microphone, 480 * packet, &[7; 1_000]);
            }
            world.pass(10);
        }
        let peers = &world.exchange.peers;
        [peers[&2].counters.receive_rate.get() / 1_000, peers[&1].counters.send_rate.get() / 1_000]
    };
    // A hundred packets of 1,040 bytes, here and there. A rate is worked out once a second.
    let [_, steady, _, none] = [100, 100, 0, 0].map(|packets| rates(&mut world, packets));
    assert_eq!((steady, none), ([832, 832], [0, 0]), "kbit/s");
}

#[test]
fn what_is_delivered_is_averaged_over_most_of_a_second() {
    let mut world = World::new();
    world.join(1, 96);
    let mut now = world.now;
    let peer = world.exchange.peers.get_mut(&1).unwrap();
    peer.follow_delivery(now);
    peer.delivered = 0;
    let delivered = [0; 3].map(|_| {
        now = now.plus_millis(100);
        peer.counters.sent.bytes.add(10_000);
        peer.follow_delivery(now);
        peer.delivered
    });
    assert_eq!(delivered, [100_000, 187_500, 264_062], "of 800 kbit/s");
}
