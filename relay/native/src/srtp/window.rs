//! Which packet indices of one stream were seen (RFC 3711 section 3.3.2), and which index a 16-bit
//! sequence number stands for (section 3.3.1).

/// Packets. A burst of retransmissions at 2.5 Mbit/s spans a few hundred.
const SIZE: u64 = 1024;
const WORDS: usize = SIZE as usize / 64;

/// The last [`SIZE`] indices of one stream.
#[derive(Debug, Default)]
pub struct Window {
    /// The highest index that was seen, plus one; 0 before the first.
    end: u64,
    /// One bit per index, at the index modulo the size.
    seen: [u64; WORDS],
}

impl Window {
    /// The most likely 48-bit index of a sequence number; None if it lies before the stream's start.
    pub fn estimate(&self, sequence: u16) -> Option<u64> {
        let Some(highest) = self.end.checked_sub(1) else { return Some(u64::from(sequence)) };
        let ahead = sequence.wrapping_sub(highest as u16) as i16;
        highest.checked_add_signed(i64::from(ahead)).filter(|index| *index < 1 << 48)
    }

    /// Whether a packet with this index would be new. Changes nothing.
    pub fn is_new(&self, index: u64) -> bool {
        if index >= self.end {
            return true;
        }
        self.end - index <= SIZE && self.seen[Self::word(index)] & Self::bit(index) == 0
    }

    /// Remember an authentic packet.
    pub fn accept(&mut self, index: u64) {
        if index >= self.end {
            if index - self.end >= SIZE {
                self.seen = [0; WORDS];
            } else {
                for passed in self.end..index {
                    self.seen[Self::word(passed)] &= !Self::bit(passed);
                }
            }
            self.end = index + 1;
        }
        self.seen[Self::word(index)] |= Self::bit(index);
    }

    const fn word(index: u64) -> usize {
        (index % SIZE / 64) as usize
    }

    const fn bit(index: u64) -> u64 {
        1 << (index % 64)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_index_is_new_twice(start in 0_u64..1 << 40, steps in prop::collection::vec(-1500_i64..1500, 1..400)) {
            let (mut window, mut seen, mut index) = (Window::default(), HashSet::new(), start + 2000 * 400);
            for step in steps {
                index = index.checked_add_signed(step).unwrap();
                if window.is_new(index) {
                    prop_assert!(seen.insert(index));
                    window.accept(index);
                }
            }
        }

        #[test]
        fn reordered_sequence_numbers_are_placed_across_wraps(
            start: u16, steps in prop::collection::vec(-300_i64..700, 1..2000)
        ) {
            let mut window = Window::default();
            window.accept(window.estimate(start).unwrap());
            let mut index = i64::from(start);
            for step in steps {
                // Never further back than the estimate can see.
                index = (index + step).max(i64::from(start));
                let (index, highest) = (index as u64, window.end - 1);
                if highest < index + 30_000 {
                    prop_assert_eq!(window.estimate(index as u16), Some(index));
                    window.accept(index);
                }
            }
        }
    }

    #[test]
    fn whatever_is_within_the_window_and_unseen_is_new() {
        let mut window = Window::default();
        window.accept(100_000);
        assert!((1..SIZE).all(|back| window.is_new(100_000 - back)));
        assert!(!window.is_new(100_000 - SIZE));
        // Also where the same bits stood for others before.
        for index in 100_001..103_000 {
            window.accept(index);
        }
        window.accept(103_500);
        assert!((103_000..103_500).all(|index| window.is_new(index)) && !window.is_new(102_999));
    }

    #[test]
    fn a_number_before_the_first_wrap_of_a_new_stream_has_no_index() {
        let mut window = Window::default();
        window.accept(3);
        assert_eq!(window.estimate(65_535), None);
    }
}
