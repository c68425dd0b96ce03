//! Everything that fuzzing found worth keeping (`fuzz/corpus`), through the parsers once more.
#![allow(clippy::unwrap_used)]

use std::path::Path;
use std::sync::Arc;

use relay_core::counters::{Reason, Totals};
use relay_core::exchange::Exchange;
use relay_core::ice::bindings::Patience;
use relay_core::outbox::Outbox;
use relay_core::time::{NtpClock, Time};
use relay_core::wire::codecs::Codec;
use relay_core::wire::rtp::Header;
use relay_core::wire::stun::Message;

mod call;
mod relayed;

use call::{Call, Seen};
use relayed::Relayed;

const PATIENCE: Patience = Patience { consent: 30_000, silence: 7_000 };

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(folder).unwrap();
    files.map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn a_compound_asks_for_no_more_than_it_has_words() {
    for compound in corpus("rtcp") {
        let mut acted = 0;
        let _ = relay_core::wire::rtcp::read(&compound, |_| acted += 1);
        assert!(acted <= compound.len() / 4, "{compound:02x?}");
    }
}

#[test]
fn what_was_kept_of_headers_and_payloads_is_read_within_its_bounds() {
    for packet in corpus("rtp") {
        let Some(header) = Header::parse(&packet) else { continue };
        assert!(header.payload_of(&packet).unwrap_or_default().len() <= packet.len());
        for id in 1..=14 {
            assert!(header.extension(&packet, id).unwrap_or_default().len() <= packet.len());
        }
    }
    for payload in corpus("payload") {
        for codec in [Codec::Opus, Codec::Vp8, Codec::H264, Codec::Vp9, Codec::Av1] {
            let _ = (codec.starts_keyframe(&payload), codec.fits(&payload), codec.picture(&payload));
        }
    }
    for datagram in corpus("stun") {
        let ufrag = Message::parse(&datagram).map_or(0, |check| check.local_ufrag().len());
        assert!(ufrag <= datagram.len());
    }
}

#[test]
fn what_was_kept_of_datagrams_gets_no_answer() {
    let mut exchange =
        Exchange::new(Arc::new(Totals::default()), NtpClock::new(0, Time::default()), PATIENCE, Arc::default());
    let mut out = Outbox::default();
    let path = relay_core::path::Path::udp(([192, 0, 2, 1], 4_000).into(), [198, 51, 100, 1].into());
    for mut datagram in corpus("exchange") {
        exchange.receive(&mut datagram, path, Time::default(), &mut out);
    }
    assert!(out.items().is_empty());
}

#[test]
fn what_was_kept_of_calls_reaches_everything_that_recovers_them() {
    let mut seen = Seen::default();
    let (mut spent, mut throttled) = (0, 0);
    for script in corpus("media") {
        let mut call = Call::new();
        call.play(&script);
        spent += call.dropped(Reason::OverBudget) + call.dropped(Reason::RepeatedAlready);
        throttled += call.dropped(Reason::FeedbackThrottled);
        seen += call.seen;
    }
    let reached = [seen.forwarded, seen.repeated, seen.playout, seen.nacks, seen.keyframe_requests, seen.transport];
    assert!(reached.into_iter().all(|times| times > 0), "{seen:?}");
    assert!([seen.reports, seen.caps, seen.strangers, spent, throttled].into_iter().all(|times| times > 0), "{seen:?}");
}

#[test]
fn what_was_kept_of_turn_gets_in_and_is_kept_out() {
    let (mut granted, mut kept_out) = (0, [0; 3]);
    for script in corpus("turn") {
        let mut played = Relayed::new();
        played.play(&script);
        granted += played.granted;
        for (count, reason) in
            kept_out.iter_mut().zip([Reason::TurnMalformed, Reason::TurnRefused, Reason::TurnForbidden])
        {
            *count += played.dropped(reason);
        }
    }
    assert!(granted > 10 && kept_out.iter().all(|count| *count > 0), "{granted} {kept_out:?}");
}
