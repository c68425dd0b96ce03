//! Any datagram as a STUN message.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relay_core::wire::stun::{Message, integrity_key};

fuzz_target!(|bytes: &[u8]| {
    if let Some(check) = Message::parse(bytes) {
        let key = integrity_key(b"VOkJxbRl1RmTxUk/WvJxBt");
        let _ = (check.local_ufrag(), check.is_authentic(&key));
        check.respond(([192, 0, 2, 1], 32_853).into(), &key, &mut Vec::new());
    }
});
