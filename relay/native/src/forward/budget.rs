//! How much of retransmissions one receiver may have.
//!
//! A narrow link loses packets because it is full: answering each complaint would fill it with duplicates.

use crate::forward::downstream::Downstream;
use crate::time::Time;

/// Bits per second of retransmissions that a receiver may always have, and the hundredths of what it is delivered that it
/// may have if that is more: on a link that loses a tenth, and on one that is full.
const LEAST: u64 = 100_000;
const SHARE: u64 = 40;
const SHARE_WHEN_FULL: u64 = 15;

/// Bits that may be saved up: a keyframe that was lost altogether.
const SAVED: u64 = 160_000;

/// Bytes of retransmissions that one receiver may have.
#[derive(Debug)]
pub struct Budget {
    bits: u64,
    at: Time,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bits: SAVED, at: Time::default() }
    }
}

impl Budget {
    /// Whether `bytes` may be retransmitted now.
    pub fn allows(&mut self, bytes: usize, downstream: &Downstream) -> bool {
        let share = if downstream.full { SHARE_WHEN_FULL } else { SHARE };
        let rate = LEAST.max(downstream.delivered.saturating_mul(share) / 100);
        let earned = downstream.now.units_since(self.at, rate.min(u64::from(u32::MAX)) as u32);
        if earned > 0 {
            self.bits = self.bits.saturating_add(earned).min(SAVED);
            self.at = downstream.now;
        }
        self.bits >= 8 * bytes as u64
    }

    /// Whether enough is left for what nobody complained of yet.
    pub fn is_plentiful(&self) -> bool {
        self.bits >= SAVED / 2
    }

    /// They were sent.
    pub fn spend(&mut self, bytes: usize) {
        self.bits = self.bits.saturating_sub(8 * bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn downstream(delivered: u64, full: bool, millis: u64) -> Downstream {
        Downstream { round_trip: None, delivered, lossy: false, full, now: Time::from_millis(millis) }
    }

    #[test]
    fn a_receiver_has_no_more_retransmissions_than_its_budget() {
        let mut budget = Budget::default();
        let mut spent = 0;
        for now in 0..10_000 {
            if budget.allows(1_000, &downstream(400_000, true, now)) {
                budget.spend(1_000);
                spent += 1_000;
            }
        }
        assert!((143_000..=146_000).contains(&spent), "{spent}");
    }

    #[test]
    fn half_of_what_may_be_saved_up_is_plenty() {
        let mut budget = Budget::default();
        budget.spend(10_000);
        assert!(budget.is_plentiful());
        budget.spend(1);
        assert!(!budget.is_plentiful());
    }

    #[test]
    fn who_is_delivered_more_may_have_more_retransmissions() {
        for (full, expected) in [(true, 380_000..=396_000), (false, 1_000_000..=1_021_000)] {
            let (mut budget, mut spent) = (Budget::default(), 0);
            for now in 0..10_000 {
                if budget.allows(1_000, &downstream(2_000_000, full, now)) {
                    budget.spend(1_000);
                    spent += 1_000;
                }
            }
            assert!(expected.contains(&spent), "{spent}");
        }
    }
}
