//! Sequence numbers of a slot: continuous across sources, without holes where padding was dropped.

use std::collections::VecDeque;

/// Dropped packets that are remembered, so that one which they overtook still finds its place.
const REMEMBERED: usize = 64;

/// Maps the packet indices of one source onto the slot's, from where the slot stands.
#[derive(Debug)]
pub struct SequenceMap {
    first_in: u64,
    first_out: u64,
    highest_in: u64,
    /// Recently dropped source indices, ascending.
    dropped: VecDeque<u64>,
    /// Dropped ones that are no longer remembered; all lie below `floor`.
    settled: u64,
    floor: u64,
}

impl SequenceMap {
    /// The source's packet `first_in` becomes the slot's `first_out`.
    pub fn new(first_in: u64, first_out: u64) -> Self {
        Self { first_in, first_out, highest_in: first_in, dropped: VecDeque::new(), settled: 0, floor: first_in }
    }

    /// The slot's index for a packet of the source. None for one from before the switch, for a dropped
    /// one, and for one so late that its place is not known any more.
    pub fn place(&mut self, index: u64) -> Option<u64> {
        let before = self.dropped.partition_point(|dropped| *dropped < index);
        if index < self.floor || self.dropped.get(before) == Some(&index) {
            return None;
        }
        self.highest_in = self.highest_in.max(index);
        Some(self.first_out + (index - self.first_in) - self.settled - before as u64)
    }

    /// How many numbers lie between the newest packet so far and this one.
    pub fn gap_before(&self, index: u64) -> u64 {
        index.saturating_sub(self.highest_in + 1)
    }

    /// The packet will not be forwarded: close its hole, unless later ones have already been numbered.
    pub fn skip(&mut self, index: u64) {
        let at = self.dropped.partition_point(|dropped| *dropped < index);
        if index <= self.highest_in || self.dropped.get(at) == Some(&index) {
            return;
        }
        self.dropped.insert(at, index);
        if self.dropped.len() > REMEMBERED {
            if let Some(oldest) = self.dropped.pop_front() {
                self.settled += 1;
                self.floor = oldest + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn padding_leaves_no_hole_and_reordering_around_it_is_right() {
        let mut map = SequenceMap::new(100, 7);
        assert_eq!(map.place(100), Some(7));
        map.skip(102);
        assert_eq!(map.place(103), Some(9));
        assert_eq!(map.place(101), Some(8));
        assert_eq!(map.place(102), None);
        assert_eq!(map.place(99), None);
    }

    #[test]
    fn a_hole_that_later_packets_count_on_stays() {
        let mut map = SequenceMap::new(100, 7);
        assert_eq!(map.place(102), Some(9));
        map.skip(101);
        assert_eq!(map.place(103), Some(10));
    }

    #[test]
    fn what_comes_later_than_dropped_ones_are_remembered_has_no_place() {
        let mut map = SequenceMap::new(0, 0);
        assert_eq!(map.place(0), Some(0));
        for index in 2..2 + REMEMBERED as u64 {
            map.skip(index);
        }
        assert_eq!(map.place(1), Some(1));
        map.skip(2 + REMEMBERED as u64);
        assert_eq!(map.place(1), None);
        assert_eq!(map.place(3 + REMEMBERED as u64), Some(2));
    }

    proptest! {
        /// Whatever is lost, dropped or reordered: no two packets share an index, order is kept, and
        /// without reordering there is no hole but a lost packet's.
        #[test]
        fn indices_are_unique_and_keep_their_order(
            packets in prop::collection::vec((0_u64..6, any::<bool>()), 1..400)
        ) {
            let mut map = SequenceMap::new(1_000, 50);
            let mut placed = HashMap::new();
            for (position, (late, padding)) in packets.iter().enumerate() {
                let index = 1_000 + (position as u64).saturating_sub(*late);
                if *padding {
                    map.skip(index);
                } else if let Some(out) = map.place(index) {
                    if let Some(before) = placed.insert(out, index) {
                        prop_assert_eq!(before, index);
                    }
                }
            }
            let mut pairs: Vec<_> = placed.into_iter().collect();
            pairs.sort_unstable();
            prop_assert!(pairs.windows(2).all(|pair| pair[0].1 < pair[1].1));
        }

        #[test]
        fn without_reordering_the_line_is_gapless(padding in prop::collection::vec(any::<bool>(), 1..400)) {
            let mut map = SequenceMap::new(5, 9);
            let mut next = 9;
            for (position, padding) in padding.iter().enumerate() {
                let index = 5 + position as u64;
                // The first packet is what opened the mapping.
                if *padding && position > 0 {
                    map.skip(index);
                } else {
                    prop_assert_eq!(map.place(index), Some(next));
                    next += 1;
                }
            }
        }
    }
}
