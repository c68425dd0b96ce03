//! Loss between browsers and the exchange, in simulated time.

use super::world::{Browser, PLI, World, delta, keyframe};
use crate::exchange::*;
use crate::ids::Medium;
use crate::wire::rtcp;
use crate::wire::rtp::{Written, write_header};

/// `receiver` complains of packets of its camera slot.
fn complain(world: &mut World, receiver: &mut Browser, missing: &[u16]) {
    let mut nack = Vec::new();
    rtcp::write_nack(1, receiver.slot(Medium::Camera), missing, &mut nack);
    receiver.outbound.seal_rtcp(&mut nack, 0).unwrap();
    world.exchange.receive(&mut nack, receiver.path, world.now, &mut world.out);
}

#[test]
fn what_a_receiver_misses_is_retransmitted_on_its_retransmission_stream() {
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
        world.clear();
    }
    // Two seconds at 800 kbit/s: 40 % of that and what was saved up.
    let again = world.exchange.peers[&1].counters.retransmitted.get();
    assert!((80..=102).contains(&again), "{again}");
    assert!(world.exchange.totals.drops.get(Reason::OverBudget) > 500);
    assert!(world.exchange.totals.drops.get(Reason::FeedbackThrottled) == 0);
}

#[test]
fn complaints_beyond_what_is_allowed_are_not_even_looked_for() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    // One datagram: 250 complaints of 17 packets each.
    let everything: Vec<u16> = (0..250 * 17).collect();
    complain(&mut world, &mut ann, &everything);
    assert_eq!(world.exchange.peers[&1].counters.missed.get(), 2_500 / 17 * 17);
    assert_eq!(world.exchange.totals.drops.get(Reason::FeedbackThrottled), 250 - 2_500 / 17);
    world.pass(1_000);
    complain(&mut world, &mut ann, &[7]);
    assert_eq!(world.exchange.peers[&1].counters.missed.get(), 2_500 / 17 * 17 + 1);
}

#[test]
fn what_was_kept_is_forgotten_when_the_picture_changes_and_when_somebody_leaves() {
    let mut world = World::new();
    let (ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    let kept = |world: &World| world.exchange.totals.kept.bytes();
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

/// Packets of its camera line that `sender` is asked for, by sequence number, since the last call.
fn asked(sender: &mut Browser) -> Vec<u16> {
    let (mut asked, line) = (Vec::new(), sender.ssrc(Medium::Camera));
    for compound in sender.feedback.drain(..) {
        rtcp::read(&compound, |packet| {
            if let rtcp::Packet::Nack { ssrc, sequence, following } = packet {
                assert_eq!(ssrc, line);
                asked.push(sequence);
                asked.extend((0..16).filter(|bit| following >> bit & 1 != 0).map(|bit| sequence.wrapping_add(bit + 1)));
            }
        })
        .unwrap();
    }
    asked
}

/// `sender` retransmits the packet of its camera with this index.
fn again(world: &mut World, sender: &mut Browser, number: u16, index: u64, timestamp: u32, payload: &[u8]) {
    let ssrc = sender.ssrc(Medium::Camera) + 100;
    let fields = Written { marker: false, payload_type: 50, sequence: number, timestamp, ssrc };
    let mut packet = Vec::new();
    let header = write_header(&mut packet, fields, []);
    packet.extend_from_slice(&(index as u16).to_be_bytes());
    packet.extend_from_slice(payload);
    sender.outbound.seal_rtp(&mut packet, 0, header, ssrc, u64::from(number)).unwrap();
    world.exchange.receive(&mut packet, sender.path, world.now, &mut world.out);
}

#[test]
fn what_is_lost_on_the_way_to_us_is_asked_for_and_passed_on_in_its_place() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    let lost = bob.index;
    drop(bob.packet(Medium::Camera, 3_000, &delta(1)));
    world.pass(33);
    world.send(&mut bob, Medium::Camera, 6_000, &delta(2));
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(asked(&mut bob), [lost as u16]);
    world.pass(30);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(asked(&mut bob), [lost as u16]);
    again(&mut world, &mut bob, 9, lost, 3_000, &delta(1));
    // A duplicate of what is not missing is a probe of the bandwidth.
    again(&mut world, &mut bob, 10, lost, 3_000, &delta(1));
    world.pass(300);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(asked(&mut bob), []);
    let [first, third, second] = &ann.media[..] else { unreachable!() };
    assert_eq!(second.0.sequence, first.0.sequence.wrapping_add(1));
    assert_eq!(third.0.sequence, first.0.sequence.wrapping_add(2));
    assert_eq!(second.0.timestamp.wrapping_sub(first.0.timestamp), 3_000);
    assert_eq!((second.0.ssrc, second.0.payload_type), (first.0.ssrc, first.0.payload_type));
}

#[test]
fn a_keyframe_whose_begin_was_recovered_opens_no_picture() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &delta(0));
    let lost = bob.index;
    drop(bob.packet(Medium::Camera, 3_000, &keyframe(1)));
    // The rest of it, which was not let through.
    world.send(&mut bob, Medium::Camera, 3_000, &[0x80, 0x80, 0x80, 0x01, 0xaa]);
    again(&mut world, &mut bob, 9, lost, 3_000, &keyframe(1));
    world.send(&mut bob, Medium::Camera, 6_000, &delta(2));
    world.pass(300);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty());
    assert!(bob.kinds().contains(&(206, 1)), "another is asked for");
    world.send(&mut bob, Medium::Camera, 9_000, &keyframe(3));
    world.send(&mut bob, Medium::Camera, 12_000, &delta(4));
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media.len(), 2);
}

#[test]
fn what_nobody_watches_is_not_asked_for() {
    let mut world = World::new();
    let mut bob = world.join(2, 40);
    for frame in 0..3 {
        drop(bob.packet(Medium::Camera, 0, &delta(frame)));
        world.send(&mut bob, Medium::Camera, 3_000, &delta(frame));
        world.pass(40);
    }
    world.deliver(&mut [&mut bob]);
    assert_eq!(asked(&mut bob), []);
}

#[test]
fn the_round_trip_is_what_passed_without_the_time_a_receiver_kept_our_report() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Microphone, 0, b"opus");
    world.pass(200);
    world.deliver(&mut [&mut ann, &mut bob]);
    let mut last_report = None;
    for compound in &ann.feedback {
        rtcp::read(compound, |packet| {
            if let rtcp::Packet::SenderReport { anchor, .. } = packet {
                last_report = Some((anchor.ntp >> 16) as u32);
            }
        })
        .unwrap();
    }
    // Reported within 200 ms, answered 300 ms later, 250 of which it lay there.
    let sent = last_report.unwrap();
    let at = world.exchange.ntp.timestamp(world.now) >> 16;
    let elapsed = (at as u32).wrapping_sub(sent);
    world.pass(300);
    acknowledge(&mut world, &mut ann, Medium::Microphone, 0, (sent, elapsed + (1 << 16) / 4));
    assert!(world.exchange.peers[&1].round_trip.unwrap().abs_diff(50) <= 1);
}

/// `receiver` has the slot's packets up to `highest`, and tells the latest report that it got with its delay.
fn acknowledge(world: &mut World, receiver: &mut Browser, medium: Medium, highest: u32, report: (u32, u32)) {
    let (ssrc, (last_report, delay)) = (receiver.slot(medium), report);
    let block = rtcp::ReportBlock { ssrc, fraction_lost: 0, lost: 0, highest, jitter: 0, last_report, delay };
    let mut compound = Vec::new();
    rtcp::write_receiver_report(1, &[block], &mut compound);
    receiver.outbound.seal_rtcp(&mut compound, 0).unwrap();
    world.exchange.receive(&mut compound, receiver.path, world.now, &mut world.out);
}

#[test]
fn the_round_trip_is_no_longer_than_what_a_report_acknowledges_is_old() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    world.pass(460);
    world.send(&mut bob, Medium::Camera, 45_000, &delta(1));
    world.pass(40);
    world.deliver(&mut [&mut ann, &mut bob]);
    // Our report of half a second ago waited on a link that was full; what came after it did not.
    let report = (world.exchange.ntp.timestamp(world.now) >> 16) as u32 - (1 << 15);
    let highest = u32::from(ann.media[1].0.sequence);
    acknowledge(&mut world, &mut ann, Medium::Camera, highest, (report, 0));
    assert_eq!(world.exchange.peers[&1].round_trip, Some(40));
}

#[test]
fn the_round_trip_is_averaged_over_about_eight_reports() {
    let mut world = World::new();
    let mut ann = world.join(1, 96);
    let mut told = |millis: u32| {
        let units = (millis << 16).div_ceil(1_000);
        let report = (world.exchange.ntp.timestamp(world.now) >> 16) as u32 - units;
        acknowledge(&mut world, &mut ann, Medium::Microphone, 0, (report, 0));
        let peer = &world.exchange.peers[&1];
        (peer.round_trip, peer.counters.round_trip.get())
    };
    assert_eq!([40, 120, 120].map(&mut told), [(Some(40), 40), (Some(50), 50), (Some(58), 58)]);
}

/// Ann has watched Bob for a second, and nothing is missing.
fn watching() -> (World, Browser, Browser) {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 0, &keyframe(0));
    world.pass(1_000);
    world.deliver(&mut [&mut ann, &mut bob]);
    bob.kinds();
    (world, ann, bob)
}

/// How often `sender` is asked for a keyframe within so many milliseconds.
fn keyframes_asked(world: &mut World, sender: &mut Browser, millis: u64) -> usize {
    world.pass(millis);
    world.deliver(&mut [sender]);
    sender.kinds().into_iter().filter(|kind| *kind == PLI).count()
}

#[test]
fn a_keyframe_is_asked_for_when_a_missing_packet_was_given_up() {
    let (mut world, _, mut bob) = watching();
    drop(bob.packet(Medium::Camera, 90_000, &delta(1)));
    world.send(&mut bob, Medium::Camera, 93_000, &delta(2));
    assert_eq!([600, 50, 1_000].map(|millis| keyframes_asked(&mut world, &mut bob, millis)), [0, 1, 0]);
}

#[test]
fn a_keyframe_is_asked_for_at_once_when_more_is_missing_than_could_be_sent_again() {
    let (mut world, _, mut bob) = watching();
    bob.index += 129;
    world.send(&mut bob, Medium::Camera, 90_000, &delta(1));
    assert_eq!(keyframes_asked(&mut world, &mut bob, 0), 1);
    // It comes, and soon after it another gap: that is not forgotten until there may be another request.
    world.send(&mut bob, Medium::Camera, 93_000, &keyframe(2));
    bob.index += 129;
    world.send(&mut bob, Medium::Camera, 96_000, &delta(3));
    assert_eq!([490, 20, 1_000].map(|millis| keyframes_asked(&mut world, &mut bob, millis)), [0, 1, 0]);
}

#[test]
fn what_is_lost_on_both_sides_of_a_peer_adds_up() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    for frame in 0..100 {
        if frame % 10 == 5 {
            bob.packet(Medium::Camera, 900 * frame, &keyframe(0)); // on its way it is lost
        } else {
            world.send(&mut bob, Medium::Camera, 900 * frame, &keyframe(0));
        }
        world.pass(20);
    }
    world.pass(1_000);
    let from_bob = world.exchange.peers[&2].counters.from_it();
    assert_eq!((from_bob.expected, from_bob.lost), (100, 10));

    // Bob's ten are none of Ann's. She is two pictures behind, and one of the sounds came twice, which is none lost.
    world.send(&mut bob, Medium::Microphone, 0, b"sound");
    for (medium, numbered, lost) in [(Medium::Camera, 98, 10 + 7), (Medium::Microphone, 1, 0xff_ffff)] {
        let ssrc = ann.slot(medium);
        let highest = (ssrc & 0x7fff) + numbered - 1;
        let block = rtcp::ReportBlock { ssrc, fraction_lost: 9, lost, highest, jitter: 0, last_report: 0, delay: 0 };
        let mut compound = Vec::new();
        rtcp::write_receiver_report(1, &[block], &mut compound);
        ann.outbound.seal_rtcp(&mut compound, 0).unwrap();
        world.exchange.receive(&mut compound, ann.path, world.now, &mut world.out);
    }
    let counters = &world.exchange.peers[&1].counters;
    let to_ann = counters.to_it();
    assert_eq!((to_ann.expected, to_ann.lost, counters.arrival.loss.get()), (88 + 1, 7, 7 * 256 / 88));
}
