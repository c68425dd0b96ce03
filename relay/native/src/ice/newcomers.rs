//! TCP connections that have not proved themselves yet, by the address that holds them.
//!
//! When there is no room for one more, it is taken from the address that holds most, the oldest of its connections
//! first: that one has had most time. So nobody who holds few can be kept out by who holds many. An address is what a
//! stranger can't easily have more of: all of IPv4, and of IPv6 /64, as well as /56 and /48 with four and sixteen times
//! as much (`relay/ledger/addresses.py`).

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// Bits of IPv6 that name one subscriber, and of prefixes that one customer may have whole.
const PREFIXES: [u8; 3] = [64, 56, 48];

/// See the module.
#[derive(Debug, Default)]
pub struct Newcomers {
    /// Ids of each address and prefix, oldest first.
    held: HashMap<Holder, VecDeque<u64>>,
    count: usize,
}

/// Addresses that are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    V4([u8; 4]),
    /// The first 64 bits, without those behind so many.
    V6(u64, u8),
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
        for holder in Holder::all_of(address) {
            self.held.entry(holder).or_default().push_back(id);
        }
        self.count += 1;
    }

    /// It proved itself, or has gone. Idempotent.
    pub fn remove(&mut self, address: IpAddr, id: u64) {
        let mut was_there = false;
        for holder in Holder::all_of(address) {
            let Some(ids) = self.held.get_mut(&holder) else { continue };
            let before = ids.len();
            ids.retain(|known| *known != id);
            was_there |= ids.len() < before;
            if ids.is_empty() {
                self.held.remove(&holder);
            }
        }
        self.count -= usize::from(was_there);
    }

    /// Which has to go when there is no room for one more of the address: the oldest of who would hold most then,
    /// and of several such addresses the oldest of all.
    pub fn to_go_for(&self, address: IpAddr) -> Option<u64> {
        let newcomer: Vec<Holder> = Holder::all_of(address).collect();
        let claim = |(holder, ids): (&Holder, &VecDeque<u64>)| {
            let would_hold = ids.len() + usize::from(newcomer.contains(holder));
            Some((would_hold * holder.share(), Reverse(*ids.front()?), *holder))
        };
        let most = self.held.iter().filter_map(claim).max_by_key(|(share, oldest, _)| (*share, *oldest))?;
        // Within a prefix, of the address that holds most.
        let within = self.held.iter().filter(|(holder, _)| holder.is_address() && holder.is_within(most.2));
        within.filter_map(claim).map(|(share, oldest, _)| (share, oldest)).max().map(|(_, Reverse(id))| id)
    }
}

impl Holder {
    /// Whom an address counts for, the narrowest first.
    fn all_of(address: IpAddr) -> impl Iterator<Item = Self> {
        let address = address.to_canonical();
        PREFIXES.into_iter().filter_map(move |bits| match address {
            IpAddr::V4(address) => (bits == PREFIXES[0]).then_some(Self::V4(address.octets())),
            IpAddr::V6(address) => Some(Self::V6(prefix((u128::from(address) >> 64) as u64, bits), bits)),
        })
    }

    /// Sixteenths of a share that one connection is of what it may hold.
    fn share(self) -> usize {
        match self {
            Self::V6(_, 48) => 1,
            Self::V6(_, 56) => 4,
            _ => 16,
        }
    }

    fn is_address(self) -> bool {
        !matches!(self, Self::V6(_, ..64))
    }

    fn is_within(self, wider: Self) -> bool {
        match (self, wider) {
            (Self::V6(own, _), Self::V6(other, bits)) => prefix(own, bits) == other,
            _ => self == wider,
        }
    }
}

fn prefix(address: u64, bits: u8) -> u64 {
    address >> (64 - bits) << (64 - bits)
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
    fn a_customer_s_many_prefixes_are_not_many_customers() {
        let whole = |spread: u64, count: u64| {
            let mut newcomers = of(&[("192.0.2.1", 0)]);
            for id in 1..=count {
                let subnet = std::net::Ipv6Addr::from_bits(0x2001_0db8 << 96 | u128::from(id * spread) << 64 | 1);
                newcomers.add(subnet.into(), id);
            }
            newcomers
        };
        // A /56 has what four may have, and a /48 what sixteen may.
        assert_eq!([4, 5].map(|count| to_go(&whole(1, count), "192.0.2.9")), [Some(0), Some(1)]);
        assert_eq!([16, 17].map(|count| to_go(&whole(256, count), "192.0.2.9")), [Some(0), Some(1)]);
        // Of the address in it that holds most, and from a prefix for itself.
        let mut newcomers = whole(256, 17);
        newcomers.add("2001:db8:0:300::7".parse().unwrap(), 99);
        assert_eq!(to_go(&newcomers, "192.0.2.9"), Some(3));
        assert_eq!(to_go(&whole(256, 16), "2001:db8:0:ff00::1"), Some(1));
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
