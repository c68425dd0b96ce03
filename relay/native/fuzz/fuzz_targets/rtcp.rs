//! Any packet as compound RTCP.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut acted = 0;
    let _ = relay_core::wire::rtcp::read(bytes, |_| acted += 1);
    assert!(acted <= bytes.len() / 4, "the least that means something is an entry of a NACK");
});
