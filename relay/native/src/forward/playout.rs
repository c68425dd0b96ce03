//! How long a receiver should keep pictures before it shows them (the playout-delay header extension,
//! <http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>).
//!
//! A receiver waits for what was lost on its own way as long as one round trip takes. It can't know that packets are
//! mended on the sender's way too, nor that repairs get lost as well: then its picture would stand still. So where
//! packets get lost, it is told to wait for a second try, and where many do, for a third.
//!
//! Browsers have sound wait for its picture, by some 10 ms more or less a second. So the picture changes no faster: a leap
//! of 100 ms put lips that much behind their words for six seconds (`docs/decisions/0010-loss-recovery.md`).

use crate::time::Time;

/// Milliseconds for noticing a loss, twice, and for a sender's pacing.
const NOTICED: u64 = 50;

/// Milliseconds at most: people still talk with each other. And what ends it: 0 would ask for no buffer at all.
const MOST: u64 = 400;
const LEAST: u64 = 10;

/// Milliseconds there and back, until a report tells.
const ROUND_TRIP: u64 = 100;

/// As long as it is waited for when losses begin: pictures that stand are worse than lips that are late.
const FIRST: u64 = 250;

/// It changes by so much, so often.
const STEP: u64 = 10;
const PACE: u64 = 1_500;

/// How long less has to be enough before it is.
const CALM: u64 = 30_000;

/// Milliseconds that receivers may go up to by themselves.
const LONGEST: u64 = 10_000;

/// Average losses, in sixteenths of a 256th, from which on a way is lossy (1 %), and very much so (8 %: measured of a few packets, 5 % goes up to 7).
pub const LOSSY: u32 = 40;
const VERY_LOSSY: u32 = 328;

/// Milliseconds to wait for what gets lost on a way of this average loss that takes so long there and back.
pub fn needed(loss: u32, round_trip: Option<u64>) -> u64 {
    let tries = match loss {
        ..LOSSY => return 0,
        LOSSY..VERY_LOSSY => 2,
        VERY_LOSSY.. => 3,
    };
    (tries * round_trip.unwrap_or(ROUND_TRIP) + NOTICED).min(MOST)
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
    /// Whether another source is shown since: nobody sees how its pictures start.
    is_cut: bool,
}

impl Playout {
    /// So many milliseconds are needed now.
    pub fn follow(&mut self, needed: u64, now: Time) {
        let is_cut = std::mem::take(&mut self.is_cut);
        if needed >= self.wanted || is_cut || now.millis_since(*self.calm.get_or_insert(now)) >= CALM {
            (self.wanted, self.calm) = (needed, None);
        }
        if self.told.is_none() && needed == 0 {
            return;
        }
        let (goal, told) = (self.wanted.max(LEAST), self.told.unwrap_or(0));
        let next = if is_cut {
            goal
        } else if told < goal.min(FIRST) {
            goal.min(FIRST)
        } else if now.millis_since(self.moved) < PACE {
            return;
        } else if goal > told {
            goal.min(told + STEP)
        } else {
            goal.max(told.saturating_sub(STEP))
        };
        (self.told, self.moved) = (Some(next), now);
    }

    /// Another source is shown, perhaps on a better way.
    pub fn cut(&mut self) {
        self.is_cut = true;
    }

    /// The extension: two numbers of 12 bits, in units of ten milliseconds.
    pub fn extension(&self) -> Option<[u8; 3]> {
        let told = self.told?;
        let [_, high, middle, low] = ((((told / 10) << 12) | (LONGEST / 10)) as u32).to_be_bytes();
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
                playout.follow(needed, Time::from_millis(PACE * (from + time)));
                told(playout).unwrap_or(0)
            })
            .collect()
    }

    #[test]
    fn a_receiver_waits_at_once_when_packets_are_lost_and_then_by_as_much_more_as_sound_can_follow() {
        let mut playout = Playout::default();
        assert_eq!(tell(&mut playout, needed(VERY_LOSSY, Some(100)), 0, 4), [250, 260, 270, 280]);
        assert_eq!(tell(&mut playout, needed(VERY_LOSSY, Some(100)), 4, 20).last(), Some(&350));
        assert_eq!(playout.extension(), Some([0x02, 0x33, 0xe8]));
    }

    #[test]
    fn less_is_enough_when_it_has_been_for_long() {
        let mut playout = Playout::default();
        tell(&mut playout, 250, 0, 20);
        assert_eq!(tell(&mut playout, 0, 20, 20), [250; 20]);
        assert_eq!(tell(&mut playout, 0, 40, 3), [240, 230, 220]);
        assert_eq!(tell(&mut playout, 0, 43, 60).last(), Some(&LEAST));
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
