//! Messages are read back by a decoder written from the draft.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::wire::bytes::u16_at;

/// Each reported number and when it arrived, in units of 250 us.
fn decode(mut bytes: &[u8]) -> Vec<(u16, Option<i64>)> {
    let mut reported = Vec::new();
    while !bytes.is_empty() {
        let length = 4 * (usize::from(u16_at(bytes, 2).unwrap()) + 1);
        let (message, rest) = bytes.split_at(length);
        assert_eq!((message[0] & 0x9f, message[1]), (0x8f, 205));
        bytes = rest;
        let (base, count) = (u16_at(message, 12).unwrap(), usize::from(u16_at(message, 14).unwrap()));
        let mut time = i64::from(u32::from_be_bytes([0, message[16], message[17], message[18]])) * 256;
        let (mut symbols, mut at) = (Vec::new(), 20);
        while symbols.len() < count {
            let chunk = u16_at(message, at).unwrap();
            at += 2;
            if chunk & 0x8000 == 0 {
                symbols.extend(std::iter::repeat_n(chunk >> 13, usize::from(chunk & 0x1fff)));
            } else {
                symbols.extend((0..7).rev().map(|place| chunk >> (2 * place) & 3));
            }
        }
        for (position, symbol) in symbols.into_iter().take(count).enumerate() {
            let number = base.wrapping_add(position as u16);
            match symbol {
                1 => {
                    time += i64::from(message[at]);
                    at += 1;
                }
                2 => {
                    time += i64::from(u16_at(message, at).unwrap() as i16);
                    at += 2;
                }
                _ => {}
            }
            reported.push((number, (symbol != 0).then_some(time)));
        }
        let padding = if message[0] & 0x20 != 0 { usize::from(message[length - 1]) } else { 0 };
        assert_eq!(at, length - padding);
    }
    reported
}

fn written(feedback: &mut TransportFeedback) -> Vec<(u16, Option<i64>)> {
    let mut packets = Vec::new();
    feedback.write(1, 2, &mut packets);
    decode(&packets)
}

#[test]
fn arrivals_and_gaps_are_reported_once() {
    let mut feedback = TransportFeedback::default();
    feedback.record(65_534, Time::from_millis(1_000));
    feedback.record(1, Time::from_millis(1_010));
    let expected = [(65_534, Some(4_000)), (65_535, None), (0, None), (1, Some(4_040))];
    assert_eq!(written(&mut feedback), expected);
    assert_eq!(written(&mut feedback), []);
    feedback.record(2, Time::from_millis(1_500));
    assert_eq!(written(&mut feedback), [(2, Some(6_000))]);
}

#[test]
fn a_packet_that_comes_after_its_report_is_reported_with_those_behind_it() {
    let mut feedback = TransportFeedback::default();
    for number in [5, 7, 8] {
        feedback.record(number, Time::from_millis(100));
    }
    assert_eq!(written(&mut feedback)[1], (6, None));
    feedback.record(6, Time::from_millis(120));
    let times: Vec<_> = written(&mut feedback).iter().map(|(number, time)| (*number, time.is_some())).collect();
    assert_eq!(times, [(6, true), (7, true), (8, true)]);
}

#[test]
fn a_gap_at_the_end_of_one_message_is_told_in_the_next() {
    let mut feedback = TransportFeedback::default();
    feedback.record(10, Time::from_millis(100));
    written(&mut feedback);
    feedback.record(13, Time::from_millis(200));
    let numbers: Vec<_> = written(&mut feedback).into_iter().map(|(number, time)| (number, time.is_some())).collect();
    assert_eq!(numbers, [(11, false), (12, false), (13, true)]);
}

#[test]
fn a_message_stays_below_an_ethernet_frame() {
    let mut feedback = TransportFeedback::default();
    for number in 0..1_000_u16 {
        // Every other delta needs two bytes.
        feedback.record(number, Time::from_millis(1_000 + 100 * u64::from(number / 2)));
    }
    let mut packets = Vec::new();
    feedback.write(1, 2, &mut packets);
    let mut counts = Vec::new();
    while !packets.is_empty() {
        let length = 4 * (usize::from(u16_at(&packets, 2).unwrap()) + 1);
        assert!(length <= 1_200, "{length}");
        counts.push(u16_at(&packets, 14).unwrap());
        packets.drain(..length);
    }
    assert_eq!(counts, [400, 400, 200]);
}

#[test]
fn however_a_sender_counts_only_so_many_numbers_are_kept() {
    for step in [1, 100, 3_999, 20_000] {
        let mut feedback = TransportFeedback::default();
        for packet in 0..10_000_u16 {
            feedback.record(packet.wrapping_mul(step), Time::from_millis(1_000));
            assert!(feedback.arrivals.len() <= MOST as usize, "{step}");
        }
        let latest = 9_999_u16.wrapping_mul(step);
        assert_eq!(written(&mut feedback).last(), Some(&(latest, Some(4_000))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_arrival_is_reported_at_its_time(
        start: u16,
        steps in prop::collection::vec((0_u16..30, 0_u64..40, prop::bool::weighted(0.05)), 1..600),
    ) {
        let mut feedback = TransportFeedback::default();
        let (mut number, mut now) = (start, Time::from_millis(5_000));
        let (mut arrived, mut reported) = (BTreeMap::new(), BTreeMap::new());
        for (step, wait, report) in steps {
            number = number.wrapping_add(step);
            now = now.plus_millis(wait);
            arrived.entry(number).or_insert(units(now));
            feedback.record(number, now);
            if report {
                reported.extend(written(&mut feedback).into_iter().filter_map(|(number, at)| Some((number, at?))));
            }
        }
        reported.extend(written(&mut feedback).into_iter().filter_map(|(number, at)| Some((number, at?))));
        prop_assert_eq!(arrived, reported);
    }
}
