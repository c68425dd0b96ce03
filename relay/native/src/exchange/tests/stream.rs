//! What a slot's receiver sees: one stream, whatever its source.

use super::world::{AUDIO_LEVEL, Browser, MID, SEND_TIME, TRANSPORT, TRANSPORT_FEEDBACK, World, delta, keyframe};
use crate::exchange::*;
use crate::ids::Medium;
use crate::wire::codecs::vp8;
use crate::wire::rtp::{Header, Written, write_header};

#[test]
fn a_slot_shows_one_continuous_stream_across_partners() {
    let mut world = World::new();
    let (mut ann, mut bob, mut eve) = (world.join(1, 96), world.join(2, 40), world.join(3, 110));
    world.show(&ann, Some(&bob));
    world.send(&mut bob, Medium::Camera, 900_000, &keyframe(7));
    world.pass(33);
    world.send(&mut bob, Medium::Camera, 903_000, &delta(8));
    world.pass(67);
    world.show(&ann, Some(&eve));
    world.send(&mut bob, Medium::Camera, 906_000, &delta(9));
    world.send(&mut eve, Medium::Camera, 5, &keyframe(30_000));
    world.deliver(&mut [&mut ann, &mut bob, &mut eve]);

    let headers: Vec<Header> = ann.media.iter().map(|(header, _)| *header).collect();
    assert_eq!(headers.len(), 3);
    assert!(headers.iter().all(|header| header.ssrc == ann.slot(Medium::Camera) && header.payload_type == 97));
    assert!(headers.iter().all(|header| !header.marker), "none of them ends a frame");
    assert!(headers.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
    assert_eq!(headers[1].timestamp.wrapping_sub(headers[0].timestamp), 3_000);
    // 100 ms passed since the line began.
    assert_eq!(headers[2].timestamp.wrapping_sub(headers[0].timestamp), 100 * 90);
    let pictures: Vec<u16> =
        ann.media.iter().map(|(header, packet)| vp8::picture(&packet[header.payload..]).unwrap().id).collect();
    assert_eq!(pictures, [0, 1, 2]);
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, MID) == Some(b"6")));
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, SEND_TIME).is_some()));
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, TRANSPORT).is_none()));
}

#[test]
fn two_receivers_of_one_sender_see_nothing_by_which_it_is_known_again() {
    let mut world = World::new();
    let (mut ann, mut eve, mut bob) = (world.join(1, 96), world.join(3, 40), world.join(2, 110));
    let numbers = |browser: &Browser| -> Vec<u16> {
        browser.media.iter().map(|(header, packet)| vp8::picture(&packet[header.payload..]).unwrap().id).collect()
    };
    for (receiver, first) in [(&mut ann, 29_815), (&mut eve, 29_869)] {
        world.show(receiver, Some(&bob));
        for number in 0..3 {
            let payload = if number == 0 { keyframe(first) } else { delta(first + number) };
            world.send(&mut bob, Medium::Camera, 3_000 * u32::from(first + number), &payload);
        }
        world.deliver(&mut [receiver, &mut bob]);
        world.show(receiver, None);
        assert_eq!(numbers(receiver), [0, 1, 2]);
    }
    let first = |browser: &Browser| (browser.media[0].0.sequence, browser.media[0].0.timestamp);
    assert_ne!(first(&ann), first(&eve));
}

#[test]
fn padding_is_counted_for_congestion_control_and_leaves_no_hole() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    for payload in [&keyframe(1)[..], &[], &[], &delta(2)] {
        world.send(&mut bob, Medium::Camera, 3_000, payload);
    }
    world.pass(100);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert_eq!(ann.media[1].0.sequence, ann.media[0].0.sequence.wrapping_add(1));
    // Four packets are reported on.
    let reported = |compound: &Vec<u8>| {
        let at = compound.windows(2).position(|pair| pair[0] & 0x9f == 0x8f && pair[1] == TRANSPORT_FEEDBACK.0)?;
        crate::wire::bytes::u16_at(compound, at + 14)
    };
    assert_eq!(bob.feedback.iter().filter_map(reported).sum::<u16>(), 4);
}

#[test]
fn probes_on_a_retransmission_stream_are_not_forwarded() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    let fields = Written { marker: false, payload_type: 98, sequence: 5, timestamp: 0, ssrc: 2_101 };
    let mut probe = Vec::new();
    let header = write_header(&mut probe, fields, [(TRANSPORT, &[0, 9][..])]);
    probe.extend_from_slice(&[0; 50]);
    bob.outbound.seal_rtp(&mut probe, 0, header, fields.ssrc, 5).unwrap();
    world.exchange.receive(&mut probe, bob.path, world.now, &mut world.out);
    world.pass(100);
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty());
    assert!(bob.kinds().contains(&TRANSPORT_FEEDBACK));
}

#[test]
fn sound_starts_a_talk_spurt_at_each_switch_and_keeps_its_level() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    for packet in 0..2 {
        world.send(&mut bob, Medium::Microphone, 960 * packet, b"opus");
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    let markers: Vec<bool> = ann.media.iter().map(|(header, _)| header.marker).collect();
    assert_eq!(markers, [true, false]);
    assert!(ann.media.iter().all(|(header, packet)| header.extension(packet, AUDIO_LEVEL) == Some(&[0x85])));
}

/// What a slot's receiver sees of a source that makes a step of its numbers before each of 20 packets.
fn leaping(medium: Medium, step: u64, tick: u32) -> Vec<Header> {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    bob.index = 0;
    for number in 0..20 {
        bob.index += step;
        world.send(&mut bob, medium, tick.wrapping_mul(number), &keyframe(number as u16));
        world.pass(20);
    }
    world.deliver(&mut [&mut ann, &mut bob]);
    ann.media.iter().map(|(header, _)| *header).collect()
}

#[test]
fn a_source_whose_numbers_leap_leads_no_receiver_astray() {
    for medium in [Medium::Microphone, Medium::Camera] {
        let headers = leaping(medium, 20_000, 900);
        assert_eq!(headers.len(), 20);
        assert!(headers.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(1)));
        // A few that are missing stay missing.
        let headers = leaping(medium, 3, 900);
        assert!(headers.windows(2).all(|pair| pair[1].sequence == pair[0].sequence.wrapping_add(4)));
    }
    // Nor do many small steps.
    let headers = leaping(Medium::Microphone, 600, 900);
    let led = headers[19].sequence.wrapping_sub(headers[0].sequence);
    assert!(led <= 20 + 1_000, "{led}");
}

#[test]
fn a_source_whose_timestamps_leap_is_shown_by_our_clock() {
    for tick in [1 << 30, 1 << 31, 3 << 30] {
        let headers = leaping(Medium::Camera, 0, tick);
        assert_eq!(headers.len(), 20);
        for pair in headers.windows(2) {
            assert!((1..=90 * 40).contains(&pair[1].timestamp.wrapping_sub(pair[0].timestamp)), "{tick}: {pair:?}");
        }
    }
}

#[test]
fn who_leaves_says_goodbye_and_is_shown_to_nobody() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 96));
    world.show(&ann, Some(&bob));
    world.show(&bob, Some(&ann));
    world.order(Command::Close { peer: 2 });
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(bob.kinds().contains(&(203, 2)));
    world.send(&mut bob, Medium::Microphone, 0, b"late");
    world.send(&mut ann, Medium::Microphone, 0, b"to nobody");
    world.deliver(&mut [&mut ann, &mut bob]);
    assert!(ann.media.is_empty() && bob.media.is_empty());
    assert_eq!(world.exchange.totals.drops.get(Reason::NotRouted), 1);
}
