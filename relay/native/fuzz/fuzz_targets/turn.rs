//! What clients of TURN say, with right credentials and without, as `tests/relayed` plays it.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../tests/relayed/mod.rs"]
mod relayed;

fuzz_target!(|script: &[u8]| relayed::Relayed::new().play(script));
