//! Datagrams of one after another, from a proved address and from strangers, into an exchange with two peers.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use relay_core::ice::bindings::Patience;
use relay_core::counters::Totals;
use relay_core::exchange::Exchange;
use relay_core::outbox::Outbox;
use relay_core::path::Path;
use relay_core::time::{NtpClock, Time};

fuzz_target!(|bytes: &[u8]| {
    let mut exchange = Exchange::new(Arc::new(Totals::default()), NtpClock::new(0, Time::default()), Patience { consent: 30_000, silence: 7_000 }, Arc::default());
    let mut out = Outbox::default();
    let mut rest = bytes;
    let mut now = Time::default();
    while let Some((length, after)) = rest.split_first() {
        let (datagram, next) = after.split_at(usize::from(*length).min(after.len()));
        rest = next;
        now = now.plus_millis(u64::from(*length));
        let path = Path::udp(([192, 0, 2, length & 1], 4_000).into(), [198, 51, 100, 1].into());
        exchange.receive(&mut datagram.to_vec(), path, now, &mut out);
        exchange.run_rounds(now, &mut out);
        assert!(out.items().is_empty(), "nobody is admitted, so nobody is answered");
    }
});
