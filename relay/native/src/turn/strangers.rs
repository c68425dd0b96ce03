//! How many answers those get who have not signed yet, so that nobody has us send much to somebody else.
//!
//! Addresses share a fixed number of allowances: what an attacker uses up is lost for few others, and the memory is
//! bounded whatever source addresses they write.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;

use crate::allowance::{Allowance, STRANGERS};
use crate::time::Time;

/// How many allowances there are.
const SHARES: usize = 1_024;

/// See the module.
pub(super) struct Strangers {
    hasher: RandomState,
    shares: Box<[Allowance]>,
}

impl Default for Strangers {
    fn default() -> Self {
        Self { hasher: RandomState::new(), shares: vec![STRANGERS; SHARES].into_boxed_slice() }
    }
}

impl Strangers {
    /// Whether one more may be answered.
    pub(super) fn allows(&mut self, address: IpAddr, now: Time) -> bool {
        let subscriber = match address {
            IpAddr::V4(address) => u64::from(address.to_bits()),
            // One has a whole /64.
            IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
        };
        let share = self.hasher.hash_one(subscriber) as usize % SHARES;
        self.shares[share].take(now)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_address_gets_twenty_a_second_and_leaves_others_theirs() {
        let mut strangers = Strangers::default();
        let mut answered = |address: &str, second: u64| {
            (0..100).filter(|_| strangers.allows(address.parse().unwrap(), Time::from_millis(1_000 * second))).count()
        };
        assert_eq!(answered("192.0.2.1", 1), 20);
        let others: usize = (2..12).map(|host| answered(&format!("192.0.2.{host}"), 1)).sum();
        assert!(others >= 180, "{others} of 200: two of eleven rarely share");
        assert_eq!(answered("192.0.2.1", 2), 20);
    }

    #[test]
    fn a_prefix_of_ipv6_is_one_address() {
        let mut strangers = Strangers::default();
        let now = Time::from_millis(5_000);
        let answered = (1..100_u128)
            .filter(|host| strangers.allows(IpAddr::from((0x2001_0db8_u128 << 96 | host).to_be_bytes()), now));
        assert_eq!(answered.count(), 20);
    }
}
