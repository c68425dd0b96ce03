//! TCP connections that have not proved themselves yet, by the address that holds them.
//!
//! When there is no room for one more, it is taken from the address that holds most, the oldest of its connections
//! first: that one has had most time. So nobody who holds few can be kept out by who holds many. An address is what a
//! stranger can't easily have more of: all of IPv4, and /64 of IPv6.

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// See the module.
#[derive(Debug, Default)]
pub struct Newcomers {
    /// Ids of each address, oldest first.
    held: HashMap<Holder, VecDeque<u64>>,
    count: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    V4([u8; 4]),
    V6([u8; 8]),
}

impl Newcomers {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Take one in. Ids grow.
    pub fn add(&mut self, address: IpAddr, id: u64) {
        self.held.entry(Holder::of(address)).or_default().push_back(id);
        self.count += 1;
    }

    /// It proved itself, or has gone. Idempotent.
    pub fn remove(&mut self, address: IpAddr, id: u64) {
        let holder = Holder::of(address);
        let Some(ids) = self.held.get_mut(&holder) else { return };
        let before = ids.len();
        ids.retain(|known| *known != id);
        self.count -= before - ids.len();
        if ids.is_empty() {
            self.held.remove(&holder);
        }
    }

    /// Which has to go when there is no room for one more of the address: the oldest of who would hold most then,
    /// and of several such addresses the oldest of all.
    pub fn to_go_for(&self, address: IpAddr) -> Option<u64> {
        let newcomer = Holder::of(address);
        let oldest = |(holder, ids): (&Holder, &VecDeque<u64>)| {
            Some((ids.len() + usize::from(*holder == newcomer), Reverse(*ids.front()?)))
        };
        self.held.iter().filter_map(oldest).max().map(|(_, Reverse(id))| id)
    }
}

impl Holder {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn of(held: &[(&str, u64)]) -> Newcomers {
        let mut newcomers = Newcomers::default();
        held.iter().for_each(|(address, id)| newcomers.add(address.parse().unwrap(), *id));
        newcomers
    }

    fn to_go(newcomers: &Newcomers, newcomer: &str) -> Option<u64> {
        newcomers.to_go_for(newcomer.parse().unwrap())
    }

    #[test]
    fn who_holds_most_gives_way_with_the_oldest() {
        let newcomers = of(&[("192.0.2.1", 0), ("192.0.2.2", 1), ("192.0.2.1", 2), ("192.0.2.2", 3), ("192.0.2.2", 4)]);
        assert_eq!(to_go(&newcomers, "192.0.2.3"), Some(1));
    }

    #[test]
    fn who_would_hold_most_gives_way_to_themselves() {
        let newcomers = of(&[("192.0.2.1", 0), ("192.0.2.2", 1)]);
        assert_eq!(to_go(&newcomers, "192.0.2.2"), Some(1));
    }

    #[test]
    fn where_all_hold_the_same_the_oldest_goes() {
        assert_eq!(to_go(&of(&[("192.0.2.1", 5), ("192.0.2.2", 6), ("2001:db8::1", 7)]), "192.0.2.9"), Some(5));
        assert_eq!(to_go(&of(&[]), "192.0.2.9"), None);
    }

    #[test]
    fn a_prefix_of_ipv6_is_one_address_and_a_mapped_one_is_that_of_ipv4() {
        let newcomers = of(&[("2001:db8:0:1::1", 0), ("2001:db8::1", 1), ("2001:db8::2", 2)]);
        assert_eq!(to_go(&newcomers, "192.0.2.9"), Some(1));
        let newcomers = of(&[("192.0.2.1", 0), ("192.0.2.2", 1), ("::ffff:192.0.2.2", 2)]);
        assert_eq!(to_go(&newcomers, "192.0.2.9"), Some(1));
    }

    #[test]
    fn what_was_removed_counts_no_more() {
        let mut newcomers = of(&[("192.0.2.1", 0), ("192.0.2.2", 1), ("192.0.2.2", 2)]);
        for _ in 0..2 {
            newcomers.remove("192.0.2.2".parse().unwrap(), 1);
        }
        assert_eq!((newcomers.len(), to_go(&newcomers, "192.0.2.9")), (2, Some(0)));
        newcomers.remove("192.0.2.2".parse().unwrap(), 2);
        newcomers.remove("192.0.2.1".parse().unwrap(), 0);
        assert!(newcomers.is_empty() && newcomers.held.is_empty());
    }
}
