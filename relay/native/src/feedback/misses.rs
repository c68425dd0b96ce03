//! Which packets of a line are missing, and when to ask its sender for them (RFC 4585 section 6.2.1).
//!
//! What is lost is asked for at once: the picture waits for it. A request is lost as easily as what it asks for, so
//! the first is sent twice, and what has not come after a round trip is asked for again and again: that costs a few
//! bytes, while senders repeat a packet only once in a round trip, however often they are asked. What would come too
//! late to be shown is given up.

use std::collections::VecDeque;

use crate::time::Time;

/// Milliseconds that a packet may be overtaken by others, at most. So long is waited on lines where that happens.
const LONGEST_OVERTAKEN: u64 = 50;

/// Milliseconds after which nothing was overtaken lately.
const LATELY: u64 = 5_000;

/// Milliseconds between two requests, and what is allowed for the answer to the first besides the round trip.
const INSISTING: u64 = 20;
const ANSWERED: u64 = 10;

/// Milliseconds there and back, until a report tells.
const ROUND_TRIP: u64 = 90;

/// Requests for one packet.
const MOST_REQUESTS: u8 = 24;

/// Milliseconds after which a packet is given up: a keyframe is sooner there.
const AGE: u64 = 800;

/// Packets that may be missing at once. Of a longer gap nothing is asked for: a keyframe is cheaper.
const MOST: usize = 128;

#[derive(Debug)]
struct Miss {
    index: u64,
    noticed: Time,
    /// For the first time, and lately.
    asked: Option<(Time, Time)>,
    requests: u8,
}

impl Miss {
    fn new(index: u64, noticed: Time) -> Self {
        Self { index, noticed, asked: None, requests: 0 }
    }

    /// Whether to ask for it now; then it counts as asked for.
    fn ask(&mut self, overtaken: u64, patience: u64, now: Time) -> bool {
        let due = match (self.asked, self.requests) {
            (None, _) => now.millis_since(self.noticed) >= overtaken,
            (_, MOST_REQUESTS..) => false,
            (Some((first, _)), 2) => now.millis_since(first) >= patience,
            (Some((_, lately)), _) => now.millis_since(lately) >= INSISTING,
        };
        if due {
            self.asked = Some((self.asked.map_or(now, |(first, _)| first), now));
            self.requests += 1;
        }
        due
    }

    fn is_hopeless(&self, patience: u64, now: Time) -> bool {
        let asked =
            self.requests >= MOST_REQUESTS && self.asked.is_some_and(|(_, lately)| now.millis_since(lately) > patience);
        asked || now.millis_since(self.noticed) > AGE
    }
}

/// The missing packets of one line, in the order of their indices.
#[derive(Debug, Default)]
pub struct Misses {
    highest: Option<u64>,
    missing: VecDeque<Miss>,
    /// By how many milliseconds a packet was overtaken lately, and when.
    overtaken: Option<(u64, Time)>,
    lost: bool,
}

impl Misses {
    /// A packet came from the line itself. Whether others turned out to be missing.
    pub fn arrived(&mut self, index: u64, now: Time) -> bool {
        let Some(highest) = self.highest else {
            self.highest = Some(index);
            return false;
        };
        if index <= highest {
            if let Some(miss) = self.take(index) {
                let late = now.millis_since(miss.noticed).max(self.patience(now)).min(LONGEST_OVERTAKEN);
                self.overtaken = Some((late, now));
            }
            return false;
        }
        self.highest = Some(index);
        let gap = (index - highest - 1) as usize;
        if gap > MOST {
            self.missing.clear();
            self.lost = true;
            return true;
        }
        self.missing.extend((highest + 1..index).map(|index| Miss::new(index, now)));
        let beyond = self.missing.len().saturating_sub(MOST);
        self.lost |= beyond > 0;
        self.missing.drain(..beyond);
        gap > 0
    }

    /// The index of a packet that came as a retransmission with this original sequence number. None if nobody
    /// misses it (any more): then it is a duplicate, as senders use them to probe the bandwidth.
    pub fn recovered(&mut self, sequence: u16) -> Option<u64> {
        let highest = self.highest?;
        let ahead = i64::from(sequence.wrapping_sub(highest as u16) as i16);
        let index = highest.checked_add_signed(ahead)?;
        self.take(index).map(|miss| miss.index)
    }

    /// A keyframe began here: nothing from before is needed.
    pub fn begin(&mut self, index: u64) {
        let before = self.missing.partition_point(|miss| miss.index < index);
        self.missing.drain(..before);
        self.lost = false;
    }

    /// Nobody watches, or the stream is another.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether something is missing.
    pub fn any(&self) -> bool {
        !self.missing.is_empty()
    }

    /// Whether something was given up, and that was not taken yet.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Whether something was given up since the last call: then only a keyframe helps.
    pub fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// Sequence numbers to ask for now; they count as asked for.
    pub fn due(&mut self, round_trip: Option<u64>, now: Time) -> Vec<u16> {
        let (overtaken, before) = (self.patience(now), self.missing.len());
        let patience = (round_trip.unwrap_or(ROUND_TRIP) + ANSWERED).max(2 * INSISTING);
        self.missing.retain(|miss| !miss.is_hopeless(patience, now));
        self.lost |= self.missing.len() < before;
        let ask = |miss: &mut Miss| miss.ask(overtaken, patience, now).then_some(miss.index as u16);
        self.missing.iter_mut().filter_map(ask).collect()
    }

    /// Milliseconds to wait for what may only have been overtaken.
    fn patience(&self, now: Time) -> u64 {
        let lately = self.overtaken.filter(|(_, at)| now.millis_since(*at) <= LATELY);
        lately.map_or(0, |(late, _)| late)
    }

    fn take(&mut self, index: u64) -> Option<Miss> {
        let at = self.missing.binary_search_by_key(&index, |miss| miss.index).ok()?;
        self.missing.remove(at)
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
    fn a_missing_packet_is_asked_for_at_once_and_after_a_round_trip_again_and_again_until_it_is_too_late() {
        let mut misses = Misses::default();
        misses.arrived(65_535, Time::from_millis(0));
        assert!(misses.arrived(65_537, Time::from_millis(0)));
        let times: Vec<u64> = asked(&mut misses, Some(690), 2_000).iter().map(|(now, _)| *now).collect();
        assert_eq!(times, [0, 20, 700, 720, 740, 760, 780, 800]);
        assert!(!misses.any() && misses.take_lost() && !misses.take_lost());
    }

    #[test]
    fn a_keyframe_makes_up_for_what_was_given_up() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(1_000, Time::from_millis(0));
        assert!(misses.is_lost());
        misses.arrived(1_001, Time::from_millis(10));
        misses.begin(1_001);
        assert!(!misses.is_lost() && !misses.take_lost());
    }

    #[test]
    fn on_a_short_link_a_packet_is_given_up_sooner() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(3, Time::from_millis(0));
        let times: Vec<u64> = asked(&mut misses, Some(1), 600).iter().map(|(now, _)| *now).collect();
        assert_eq!(times, (0..u64::from(MOST_REQUESTS)).map(|number| 20 * number).collect::<Vec<_>>());
        assert!(misses.take_lost());
    }

    #[test]
    fn where_packets_are_overtaken_those_that_come_soon_are_not_asked_for() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(3, Time::from_millis(0));
        misses.arrived(2, Time::from_millis(10));
        misses.arrived(5, Time::from_millis(20));
        misses.arrived(4, Time::from_millis(29));
        assert_eq!(asked(&mut misses, None, 1_000), []);
        misses.arrived(7, Time::from_millis(1_000));
        assert_eq!(misses.due(None, Time::from_millis(1_009)), []);
        assert_eq!(misses.due(None, Time::from_millis(1_010)), [6]);
        misses.clear();
    }

    #[test]
    fn once_nothing_is_overtaken_any_more_nothing_is_waited_for() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(3, Time::from_millis(0));
        misses.arrived(2, Time::from_millis(900));
        misses.arrived(5, Time::from_millis(1_000));
        assert_eq!(misses.due(None, Time::from_millis(1_049)), []);
        misses.arrived(4, Time::from_millis(1_049));
        misses.arrived(7, Time::from_millis(7_000));
        assert_eq!(misses.due(None, Time::from_millis(7_000)), [6]);
    }

    #[test]
    fn what_was_retransmitted_has_its_place_and_a_duplicate_has_none() {
        let mut misses = Misses::default();
        misses.arrived(65_534, Time::from_millis(0));
        misses.arrived(65_538, Time::from_millis(0));
        assert_eq!(misses.recovered(0), Some(65_536));
        assert_eq!(misses.recovered(0), None);
        assert_eq!(misses.recovered(2), None);
        assert_eq!(misses.recovered(500), None);
    }

    #[test]
    fn nothing_from_before_a_keyframe_is_asked_for() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        misses.arrived(4, Time::from_millis(0));
        misses.arrived(6, Time::from_millis(0));
        misses.begin(4);
        assert_eq!(asked(&mut misses, Some(400), 300), [(0, 5), (20, 5)]);
    }

    #[test]
    fn a_gap_that_nothing_could_fill_is_left_to_a_keyframe() {
        let mut misses = Misses::default();
        misses.arrived(1, Time::from_millis(0));
        assert!(misses.arrived(1_000, Time::from_millis(0)));
        assert!(!misses.any() && misses.take_lost());
    }

    #[test]
    fn what_is_missing_beyond_the_most_is_lost() {
        let mut misses = Misses::default();
        for (index, lost) in [(1, false), (66, false), (131, false), (133, true)] {
            misses.arrived(index, Time::from_millis(0));
            assert_eq!(misses.is_lost(), lost, "{index}");
        }
        assert_eq!(misses.due(None, Time::from_millis(0))[..2], [3, 4], "the oldest is given up");
    }

    proptest! {
        /// Whatever arrives, in whatever order: only what is missing is asked for, each so many times at
        /// most, and few are remembered.
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
                    came.extend(misses.recovered(index as u16).map(|index| index as u16));
                } else {
                    misses.arrived(index, Time::from_millis(now));
                    came.insert(index as u16);
                }
                for sequence in misses.due(Some(20), Time::from_millis(now)) {
                    prop_assert!(!came.contains(&sequence));
                    let tries = tries.entry(sequence).or_insert(0);
                    *tries += 1;
                    prop_assert!(*tries <= MOST_REQUESTS);
                }
                prop_assert!(misses.missing.len() <= MOST);
            }
        }
    }
}
