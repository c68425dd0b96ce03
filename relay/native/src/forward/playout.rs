//! How long a receiver should keep pictures before it shows them (the playout-delay header extension,
//! <http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>). `docs/congestion.md` has a picture of it.
//!
//! A receiver waits for what was lost on its own link as long as one round trip takes. It can't know that packets are
//! recovered on the sender's link too, nor that retransmissions get lost as well: then its picture would stand still. So
//! where packets get lost, it is told to wait for a second try, and where many do, for a third.
//!
//! Browsers have sound wait for its picture, by some 10 ms more or less a second. So the picture changes no faster: a leap
//! of 100 ms put lips that much behind their words for six seconds (`docs/decisions/0010-loss-recovery.md`).

use crate::feedback::LOSSY;
use crate::time::Time;

/// What the rules below are made of. A name ends with its unit.
struct Tuning {
    /// For noticing a loss, twice, and for a sender's pacing.
    noticed_ms: u64,
    /// A round trip, until a report tells.
    round_trip_ms: u64,
    /// From so much loss on a link is so lossy that a third try is waited for: 8 %. Measured of a few packets, 5 % goes
    /// up to 7.
    very_lossy_16ths_of_256ths: u32,
    /// No receiver waits longer: people still talk with each other.
    most_ms: u64,
    /// What ends waiting: 0 would ask for no buffer at all.
    least_ms: u64,
    /// So long is waited at once when losses begin: pictures that stand are worse than lips that are late.
    first_ms: u64,
    /// From there on it changes by so much, so often: as fast as sound can follow.
    step_ms: u64,
    pace_ms: u64,
    /// Less has to be enough for so long before it is: losses come and go.
    calm_ms: u64,
    /// Receivers may wait for so long of their own accord.
    longest_ms: u64,
}

const TUNING: Tuning = Tuning {
    noticed_ms: 50,
    round_trip_ms: 100,
    very_lossy_16ths_of_256ths: 328,
    most_ms: 400,
    least_ms: 10,
    first_ms: 250,
    step_ms: 10,
    pace_ms: 1_500,
    calm_ms: 30_000,
    longest_ms: 10_000,
};

/// Milliseconds to wait for what gets lost on a link of this average loss, in sixteenths of a 256th, and this round trip.
pub fn needed(loss: u32, round_trip: Option<u64>) -> u64 {
    let tries = match loss {
        ..LOSSY => return 0,
        _ if loss < TUNING.very_lossy_16ths_of_256ths => 2,
        _ => 3,
    };
    (tries * round_trip.unwrap_or(TUNING.round_trip_ms) + TUNING.noticed_ms).min(TUNING.most_ms)
}

/// How what a receiver is told changes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// Another source is shown: nobody sees how its pictures start, so they start as they should.
    Restart,
    /// Losses have begun.
    Leap,
    /// It changed less than a pace ago.
    Wait,
    /// By a step.
    Longer,
    /// By a step, or not at all.
    Shorter,
}

/// Of one slot.
#[derive(Debug, Default)]
pub struct Playout {
    /// Milliseconds; None as long as nothing had to be said.
    told: Option<u64>,
    /// What is approached, and since when less would be enough.
    wanted: u64,
    calm: Option<Time>,
    moved: Time,
    /// Whether another source is shown since.
    is_cut: bool,
}

impl Playout {
    /// So many milliseconds are needed now.
    pub fn follow(&mut self, needed: u64, now: Time) {
        let is_cut = std::mem::take(&mut self.is_cut);
        if needed >= self.wanted || is_cut || now.millis_since(*self.calm.get_or_insert(now)) >= TUNING.calm_ms {
            (self.wanted, self.calm) = (needed, None);
        }
        if self.told.is_none() && needed == 0 {
            return;
        }
        let (goal, told) = (self.wanted.max(TUNING.least_ms), self.told.unwrap_or(0));
        let next = match self.change(is_cut, goal, told, now) {
            Change::Restart => goal,
            Change::Leap => goal.min(TUNING.first_ms),
            Change::Wait => return,
            Change::Longer => goal.min(told + TUNING.step_ms),
            Change::Shorter => goal.max(told.saturating_sub(TUNING.step_ms)),
        };
        (self.told, self.moved) = (Some(next), now);
    }

    fn change(&self, is_cut: bool, goal: u64, told: u64, now: Time) -> Change {
        if is_cut {
            Change::Restart
        } else if told < goal.min(TUNING.first_ms) {
            Change::Leap
        } else if now.millis_since(self.moved) < TUNING.pace_ms {
            Change::Wait
        } else if goal > told {
            Change::Longer
        } else {
            Change::Shorter
        }
    }

    /// Another source is shown, perhaps on a better link.
    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The extension: two numbers of 12 bits, in units of ten milliseconds.
    pub fn extension(&self) -> Option<[u8; 3]> {
        let told = self.told?;
        let [_, high, middle, low] = ((((told / 10) << 12) | (TUNING.longest_ms / 10)) as u32).to_be_bytes();
        Some([high, middle, low])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(playout: &Playout) -> Option<u64> {
        playout.extension().map(|[high, middle, _]| 10 * (u64::from(high) << 4 | u64::from(middle) >> 4))
    }

    #[test]
    fn nothing_is_said_where_nothing_is_lost() {
        let mut playout = Playout::default();
        playout.follow(0, Time::from_millis(100));
        playout.follow(0, Time::from_millis(60_000));
        playout.cut();
        playout.follow(0, Time::from_millis(60_100));
        assert_eq!(playout.extension(), None);
    }

    /// What is told after each of so many steps, from one on, while `needed` does not change.
    fn tell(playout: &mut Playout, needed: u64, from: u64, times: u64) -> Vec<u64> {
        (0..times)
            .map(|time| {
                playout.follow(needed, Time::from_millis(TUNING.pace_ms * (from + time)));
                told(playout).unwrap_or(0)
            })
            .collect()
    }

    #[test]
    fn a_receiver_waits_at_once_when_packets_are_lost_and_then_by_as_much_more_as_sound_can_follow() {
        let mut playout = Playout::default();
        assert_eq!(
            tell(&mut playout, needed(TUNING.very_lossy_16ths_of_256ths, Some(100)), 0, 4),
            [250, 260, 270, 280]
        );
        assert_eq!(tell(&mut playout, needed(TUNING.very_lossy_16ths_of_256ths, Some(100)), 4, 20).last(), Some(&350));
        assert_eq!(playout.extension(), Some([0x02, 0x33, 0xe8]));
    }

    #[test]
    fn less_is_enough_when_it_has_been_for_long() {
        let mut playout = Playout::default();
        tell(&mut playout, 250, 0, 20);
        assert_eq!(tell(&mut playout, 0, 20, 20), [250; 20]);
        assert_eq!(tell(&mut playout, 0, 40, 3), [240, 230, 220]);
        assert_eq!(tell(&mut playout, 0, 43, 60).last(), Some(&TUNING.least_ms));
    }

    #[test]
    fn losses_that_begin_again_are_waited_for_at_once() {
        let mut playout = Playout::default();
        tell(&mut playout, 250, 0, 20);
        tell(&mut playout, 0, 20, 80);
        assert_eq!(tell(&mut playout, 350, 100, 3), [250, 260, 270]);
    }

    #[test]
    fn another_source_is_waited_for_as_its_own_way_needs() {
        let mut playout = Playout::default();
        playout.follow(120, Time::from_millis(20_000));
        playout.cut();
        playout.follow(400, Time::from_millis(20_100));
        assert_eq!(told(&playout), Some(400));
        playout.cut();
        playout.follow(200, Time::from_millis(20_200));
        assert_eq!(told(&playout), Some(200));
    }

    #[test]
    fn the_more_is_lost_the_longer_it_is_waited_for_but_never_longer_than_people_can_talk() {
        let of = |percent: u32, round_trip| needed(percent * 4_096 / 100, Some(round_trip));
        assert_eq!([0, 2, 10].map(|percent| of(percent, 100)), [0, 250, 350]);
        assert_eq!(of(2, 5_000), 400);
    }
}
