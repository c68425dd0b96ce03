//! Who waits for a partner, by what the relay told them: two who may meet do not wait together for long.

use std::collections::HashMap;

use crate::clock::{MILLISECOND, Nanos};
use crate::tally::Tally;

/// Between looks.
const INTERVAL: Nanos = 100 * MILLISECOND;
/// Beyond this after a look, we stood still ourselves: what the relay said meanwhile was not read.
const LATE: Nanos = 150 * MILLISECOND;

/// One visit of one person: who comes again is somebody else to the relay.
pub type Visit = u64;

pub struct Queue {
    /// Two who wait together for longer than this, though the rules let them meet, were forgotten.
    patience: Nanos,
    /// Whether they only write, and since when they wait.
    waiting: HashMap<Visit, (bool, Nanos)>,
    /// With whom each talked last.
    last: HashMap<Visit, Visit>,
    /// Rooms of which one has heard, and who that was: nobody knows yet with whom.
    half_open: HashMap<String, Visit>,
    unsure: HashMap<Visit, String>,
    looked: Nanos,
}

impl Queue {
    pub fn new(patience: Nanos) -> Self {
        Self {
            patience,
            waiting: HashMap::new(),
            last: HashMap::new(),
            half_open: HashMap::new(),
            unsure: HashMap::new(),
            looked: 0,
        }
    }

    /// They wait from now on.
    pub fn wait(&mut self, visit: Visit, writes_only: bool, now: Nanos) {
        self.waiting.entry(visit).or_insert((writes_only, now));
    }

    /// They wait no longer.
    pub fn stop(&mut self, visit: Visit) {
        self.waiting.remove(&visit);
    }

    /// One of two heard of their room, and waits no longer: when they part they are not to meet again at once.
    pub fn meet(&mut self, room: &str, visit: Visit) {
        self.stop(visit);
        if let Some(before) = self.unsure.remove(&visit) {
            self.half_open.remove(&before);
        }
        if let Some(other) = self.half_open.remove(room) {
            self.unsure.remove(&other);
            self.last.insert(visit, other);
            self.last.entry(other).or_insert(visit);
        } else {
            self.half_open.insert(room.to_owned(), visit);
            self.unsure.insert(visit, room.to_owned());
            self.last.remove(&visit);
        }
    }

    /// They are gone for good.
    pub fn forget(&mut self, visit: Visit) {
        self.waiting.remove(&visit);
        self.last.remove(&visit);
        if let Some(room) = self.unsure.remove(&visit) {
            self.half_open.remove(&room);
        }
    }

    /// Look for people who were forgotten, now and then.
    pub fn look(&mut self, now: Nanos, tally: &mut Tally) {
        if now < self.looked + INTERVAL {
            return;
        }
        let stood_still = now.saturating_sub(self.looked + LATE);
        self.looked = now;
        for (_, since) in self.waiting.values_mut() {
            *since += stood_still.min(now.saturating_sub(*since));
        }
        let patient: Vec<_> = self
            .waiting
            .iter()
            .filter(|(visit, (_, since))| now > since + self.patience && !self.unsure.contains_key(visit))
            .collect();
        let may_meet =
            |one: Visit, other: Visit| self.last.get(&one) != Some(&other) && self.last.get(&other) != Some(&one);
        for (position, (one, (mode, _))) in patient.iter().enumerate() {
            if patient[position + 1..].iter().any(|(other, (its, _))| mode == its && may_meet(**one, **other)) {
                tally.fail("two waited for too long who might have met");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SECOND;

    fn forgotten(queue: &mut Queue, now: Nanos) -> bool {
        let mut tally = Tally::default();
        queue.look(now, &mut tally);
        !tally.failures.is_empty()
    }

    /// The same, after looks as often as they should be until then.
    fn are_forgotten(queue: &mut Queue, now: Nanos) -> bool {
        let first = queue.looked / INTERVAL + 1;
        (first..now / INTERVAL).for_each(|look| queue.look(look * INTERVAL, &mut Tally::default()));
        forgotten(queue, now)
    }

    #[test]
    fn two_who_might_have_met_are_noticed_after_a_second() {
        let mut queue = Queue::new(SECOND);
        queue.wait(1, false, 0);
        queue.wait(2, false, SECOND / 2);
        assert!(!are_forgotten(&mut queue, SECOND * 5 / 4));
        assert!(are_forgotten(&mut queue, 2 * SECOND));
        queue.stop(1);
        assert!(!are_forgotten(&mut queue, 3 * SECOND));
    }

    #[test]
    fn while_we_stand_still_nobody_waits() {
        let mut queue = Queue::new(SECOND);
        queue.look(SECOND, &mut Tally::default());
        queue.wait(1, false, SECOND);
        queue.wait(2, false, SECOND);
        assert!(!forgotten(&mut queue, 5 * SECOND));
        assert!((51..59).all(|tenth| !forgotten(&mut queue, tenth * SECOND / 10)));
        assert!((59..64).any(|tenth| forgotten(&mut queue, tenth * SECOND / 10)));
    }

    #[test]
    fn those_who_may_not_meet_wait_as_long_as_they_like() {
        let mut queue = Queue::new(SECOND);
        queue.wait(1, false, 0);
        queue.wait(2, true, 0);
        assert!(!are_forgotten(&mut queue, 3 * SECOND), "one of them only writes");
        queue.meet("one", 1);
        queue.meet("one", 3);
        queue.wait(1, false, 0);
        queue.wait(3, false, 0);
        assert!(!are_forgotten(&mut queue, 6 * SECOND), "they have just left each other");
        queue.forget(3);
        queue.wait(5, false, 0);
        assert!(are_forgotten(&mut queue, 9 * SECOND));
    }
}
