//! Nonces that need no memory: the minute, and a tag over it and the client (RFC 8489 section 9.2).
//!
//! Only who receives at an address knows its nonce. So a signed request proves the address it came from.

use std::net::SocketAddr;

use aws_lc_rs::{constant_time, hmac, rand};

use crate::time::Time;

/// Minutes until a client has to take a new one.
const LIFETIME: u32 = 60;

/// Hexadecimal digits: the minute, and six bytes of the tag. Short, as strangers are sent it.
const MINUTE: usize = 8;
const TAG: usize = 6;
pub(super) const LENGTH: usize = MINUTE + 2 * TAG;

/// See the module.
pub(super) struct Nonces(hmac::Key);

impl Nonces {
    /// With a key of its own. None when the system has no randomness.
    pub(super) fn new() -> Option<Self> {
        let mut key = [0; 32];
        rand::fill(&mut key).ok()?;
        Some(Self(hmac::Key::new(hmac::HMAC_SHA256, &key)))
    }

    /// The one for this client now.
    pub(super) fn for_client(&self, client: SocketAddr, now: Time) -> [u8; LENGTH] {
        self.of(client, minute(now))
    }

    /// Whether a client has it from us, and not for too long.
    pub(super) fn is_right(&self, nonce: &[u8], client: SocketAddr, now: Time) -> bool {
        let said = nonce.get(..MINUTE).and_then(|digits| std::str::from_utf8(digits).ok());
        let Some(said) = said.and_then(|digits| u32::from_str_radix(digits, 16).ok()) else { return false };
        let right = self.of(client, said);
        minute(now).checked_sub(said).is_some_and(|age| age <= LIFETIME)
            && constant_time::verify_slices_are_equal(nonce, &right).is_ok()
    }

    fn of(&self, client: SocketAddr, minute: u32) -> [u8; LENGTH] {
        let mut signed = hmac::Context::with_key(&self.0);
        signed.update(&minute.to_be_bytes());
        signed.update(client.to_string().as_bytes());
        let tag = signed.sign();
        let minute = minute.to_be_bytes();
        let bytes = minute.iter().chain(&tag.as_ref()[..TAG]);
        let mut nonce = [0; LENGTH];
        for (digits, byte) in nonce.chunks_exact_mut(2).zip(bytes) {
            digits.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
        }
        nonce
    }
}

fn minute(now: Time) -> u32 {
    (now.millis_since(Time::default()) / 60_000) as u32
}

fn digit(value: u8) -> u8 {
    b"0123456789abcdef"[usize::from(value)]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_is_of_one_client_and_lasts_an_hour() {
        let (nonces, client) = (Nonces::new().unwrap(), "192.0.2.1:4000".parse().unwrap());
        let nonce = nonces.for_client(client, Time::from_millis(120_000));
        let is_right = |nonce: &[u8], client: &str, minutes: u64| {
            nonces.is_right(nonce, client.parse().unwrap(), Time::from_millis(60_000 * minutes))
        };
        assert!(is_right(&nonce, "192.0.2.1:4000", 2) && is_right(&nonce, "192.0.2.1:4000", 62));
        assert!(!is_right(&nonce, "192.0.2.1:4000", 63), "too old");
        assert!(!is_right(&nonce, "192.0.2.1:4000", 1), "from the future");
        assert!(!is_right(&nonce, "192.0.2.1:4001", 2), "of somebody else");
        assert!(!is_right(&nonce[..19], "192.0.2.1:4000", 2) && !is_right(b"", "192.0.2.1:4000", 2));
        let other = Nonces::new().unwrap().for_client(client, Time::from_millis(120_000));
        assert!(!is_right(&other, "192.0.2.1:4000", 2), "of another server");
        for at in 0..LENGTH {
            let mut changed = nonce;
            changed[at] ^= 1;
            assert!(!is_right(&changed, "192.0.2.1:4000", 2), "digit {at}");
        }
    }
}
