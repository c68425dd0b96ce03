//! RTP and RTCP of people with right keys: forwarding, loss recovery, caps and reports, as `tests/call` plays them.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/call/mod.rs"]
mod call;

fuzz_target!(|script: &[u8]| call::Call::new().play(script));
