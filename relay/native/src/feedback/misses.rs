//! Which packets of a line are missing, and when to ask its sender for them (RFC 4585 section 6.2.1).
//!
//! Packets that come only out of order are not asked for; a request that was not met is repeated after a
//! round trip; and what would come too late to be shown is given up.

use std::collections::VecDeque;

use crate::time::Time;

/// Milliseconds that a packet may be overtaken by others.
const REORDERED: u64 = 15;

/// Milliseconds until a request is repeated at the earliest, and what is allowed for the answer besides the
/// round trip.
const REPEATED: u64 = 40;
const ANSWERED: u64 = 10;

/// Milliseconds there and back, until a report tells.
const ROUND_TRIP: u64 = 90;

/// Requests for one packet.
const MOST_TRIES: u8 = 5;

/// Milliseconds after which a packet is given up: playout waits no longer.
const AGE: u64 = 500;

/// Packets that may be missing at once. Of a longer gap nothing is asked for: a keyframe is cheaper.
const MOST: usize = 128;

#[derive(Debug)]
struct Miss {
    index: u64,
    noticed: Time,
    asked: Option<Time>,
    tries: u8,
}

/// The missing packets of one line, in the order of their indices.
#[derive(Debug, Default)]
pub struct Misses {
    highest: Option<u64>,
    missing: VecDeque<Miss>,
}

impl Misses {
    /// A packet came from the line itself.
    pub fn arrived(&mut self, index: u64, now: Time) {
        let Some(highest) = self.highest else {
            self.highest = Some(index);
            return;
        };
        if index <= highest {
            self.take(index);
            return;
        }
        self.highest = Some(index);
        let gap = (index - highest - 1) as usize;
        if gap > MOST {
            self.missing.clear();
            return;
        }
        self.missing.extend((highest + 1..index).map(|index| Miss { index, noticed: now, asked: None, tries: 0 }));
        self.missing.drain(..self.missing.len().saturating_sub(MOST));
    }

    /// The index of a packet that came as a retransmission with this original sequence number. None if nobody
    /// misses it (any more): then it is a copy, as senders use them to probe the bandwidth.
    pub fn mended(&mut self, sequence: u16) -> Option<u64> {
        let highest = self.highest?;
        let ahead = i64::from(sequence.wrapping_sub(highest as u16) as i16);
        let index = highest.checked_add_signed(ahead)?;
        self.take(index).then_some(index)
    }

    /// A keyframe began here: nothing from before is needed.
    pub fn begin(&mut self, index: u64) {
        let before = self.missing.partition_point(|miss| miss.index < index);
        self.missing.drain(..before);
    }

    /// Nobody watches, or the stream is another.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether something is missing.
    pub fn any(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Sequence numbers to ask for now; they count as asked for.
    pub fn due(&mut self, round_trip: Option<u64>, now: Time) -> Vec<u16> {
        self.missing.retain(|miss| {
            now.millis_since(miss.noticed) <= AGE
                && (miss.tries < MOST_TRIES || miss.asked.is_some_and(|asked| now.millis_since(asked) <= AGE))
        });
        let patience = (round_trip.unwrap_or(ROUND_TRIP) + ANSWERED).max(REPEATED);
        let mut due = Vec::new();
        for miss in &mut self.missing {
            let ask = match miss.asked {
                None => now.millis_since(miss.noticed) >= REORDERED,
                Some(asked) => miss.tries < MOST_TRIES && now.millis_since(asked) >= patience,
            };
            if ask {
                miss.asked = Some(now);
                miss.tries += 1;
                due.push(miss.index as u16);
            }
        }
        due
    }

    fn take(&mut self, index: u64) -> bool {
        let found = self.missing.binary_search_by_key(&index, |miss| miss.index);
        found.is_ok_and(|at| self.missing.remove(at).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use proptest::prelude::*;

    use super::*;

    fn asked(misses: &mut Misses, round_trip: Option<u64>, until: u64) -> Vec<(u64, u16)> {
        (0..until)
            .flat_map(|now| {
                let due = misses.due(round_trip, Time::from_millis(now));
                due.into_iter().map(move |sequence| (now, sequence))
            })
            .collect()
    }

    #[test]
    fn a_missing_packet_is_asked_for_soon_and_again_after_each_round_trip_until_it_is_too_late() {
        let mut misses = Misses::default();
        misses.arrived(65_535, Time::from_millis(0));
        misses.arrived(65_537, Time::from_millis(0));
        let times: Vec<u64> = asked(&mut misses, Some(100), 2_000).iter().map(|(now, _)| *now).collect();
        assert_eq!(times, [15, 125, 235, 345, 455]);
        assert!(!misses.any());
    }

    #[test]
    fn on_a_short_way_five_requests_are_enough() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(3, Time::from_millis(0));
        let times: Vec<u64> = asked(&mut misses, Some(1), 2_000).iter().map(|(now, _)| *now).collect();
        assert_eq!(times, [15, 55, 95, 135, 175]);
    }

    #[test]
    fn a_packet_that_was_only_overtaken_is_not_asked_for() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(3, Time::from_millis(0));
        misses.arrived(2, Time::from_millis(10));
        assert_eq!(asked(&mut misses, None, 1_000), []);
    }

    #[test]
    fn what_came_again_has_its_place_and_a_copy_has_none() {
        let mut misses = Misses::default();
        misses.arrived(65_534, Time::from_millis(0));
        misses.arrived(65_538, Time::from_millis(0));
        assert_eq!(misses.mended(0), Some(65_536));
        assert_eq!(misses.mended(0), None);
        assert_eq!(misses.mended(2), None);
        assert_eq!(misses.mended(500), None);
    }

    #[test]
    fn nothing_from_before_a_keyframe_is_asked_for() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(4, Time::from_millis(0));
        misses.arrived(6, Time::from_millis(0));
        misses.begin(4);
        assert_eq!(asked(&mut misses, Some(400), 300), [(15, 5)]);
    }

    #[test]
    fn a_gap_that_nothing_could_fill_is_left_to_a_keyframe() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(1_000, Time::from_millis(0));
        assert!(!misses.any());
    }

    proptest! {
        /// Whatever arrives, in whatever order: only what is missing is asked for, each at most five times,
        /// and few are remembered.
        #[test]
        fn only_what_is_missing_is_asked_for(
            steps in prop::collection::vec((-200_i64..200, 0_u64..30, any::<bool>()), 1..500)
        ) {
            let (mut misses, mut now, mut index) = (Misses::default(), 0, 200_000_u64);
            let (mut came, mut tries) = (HashSet::new(), HashMap::new());
            for (step, passed, again) in steps {
                now += passed;
                index = index.saturating_add_signed(step);
                if again {
                    came.extend(misses.mended(index as u16).map(|index| index as u16));
                } else {
                    misses.arrived(index, Time::from_millis(now));
                    came.insert(index as u16);
                }
                for sequence in misses.due(Some(20), Time::from_millis(now)) {
                    prop_assert!(!came.contains(&sequence));
                    let tries = tries.entry(sequence).or_insert(0);
                    *tries += 1;
                    prop_assert!(*tries <= MOST_TRIES);
                }
                prop_assert!(misses.missing.len() <= MOST);
            }
        }
    }
}
