//! When to ask a sender for a keyframe.
//!
//! Driven by what arrives: a packet that can't be forwarded for want of a keyframe is a reason to ask,
//! and so is a receiver's PLI. A sender that is silent is not asked again: when it resumes, it begins
//! with a keyframe or is asked then.

use crate::time::Time;

/// Milliseconds after which a request that was not met is repeated: at first, and at most after doubling.
const REPEATED: (u64, u64) = (250, 2_000);

/// Milliseconds between requests on behalf of a receiver's PLI or FIR, however many it sends.
const THROTTLE: u64 = 500;

/// Milliseconds within which a switch relies on a request that is already under way.
const UNDER_WAY: u64 = 100;

/// The requests for one video line.
#[derive(Debug, Default)]
pub struct KeyframeRequests {
    asked_at: Option<Time>,
    /// Until a keyframe comes: how long to wait before asking again.
    patience: Option<u64>,
}

impl KeyframeRequests {
    /// A slot begins to show the line. Whether to ask now.
    pub fn switched(&mut self, now: Time) -> bool {
        let under_way = self.patience.is_some() && self.asked_within(now, UNDER_WAY);
        if !under_way {
            self.ask(now, REPEATED.0);
        }
        !under_way
    }

    /// A receiver lost the picture. Whether to ask now.
    pub fn lost(&mut self, now: Time) -> bool {
        let ask = !self.asked_within(now, THROTTLE);
        if ask {
            self.ask(now, REPEATED.1);
        }
        ask
    }

    /// A packet was held back for want of a keyframe. Whether to ask now.
    pub fn held(&mut self, now: Time) -> bool {
        let ask = match self.patience {
            Some(patience) => !self.asked_within(now, patience),
            None => true,
        };
        if ask {
            let next = self.patience.map_or(REPEATED.0, |patience| (2 * patience).min(REPEATED.1));
            self.ask(now, next);
        }
        ask
    }

    /// A keyframe came.
    pub fn met(&mut self) {
        self.patience = None;
    }

    fn ask(&mut self, now: Time, patience: u64) {
        self.asked_at = Some(now);
        self.patience = Some(patience);
    }

    fn asked_within(&self, now: Time, millis: u64) -> bool {
        self.asked_at.is_some_and(|asked| now.millis_since(asked) < millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_asks_at_once_and_again_with_growing_patience() {
        let mut requests = KeyframeRequests::default();
        assert!(requests.switched(Time::from_millis(0)));
        let asked: Vec<_> = (1..6_000).filter(|now| requests.held(Time::from_millis(*now))).collect();
        assert_eq!(asked, [250, 750, 1_750, 3_750, 5_750]);
    }

    #[test]
    fn a_storm_of_receivers_costs_one_request_per_half_second() {
        let mut requests = KeyframeRequests::default();
        let asked: Vec<_> = (0..2_000).filter(|now| requests.lost(Time::from_millis(*now))).collect();
        assert_eq!(asked, [0, 500, 1_000, 1_500]);
    }

    #[test]
    fn a_switch_right_after_a_request_relies_on_it_but_not_on_one_that_was_met() {
        let mut requests = KeyframeRequests::default();
        assert!(requests.switched(Time::from_millis(0)));
        assert!(!requests.switched(Time::from_millis(50)));
        requests.met();
        assert!(requests.switched(Time::from_millis(60)));
    }
}
