//! How long a receiver should keep pictures before it shows them (the playout-delay header extension,
//! <http://www.webrtc.org/experiments/rtp-hdrext/playout-delay>).
//!
//! A receiver waits for what was lost on its own way as long as one round trip takes. It can't know that packets are
//! mended on the sender's way too, nor that repairs get lost as well: then its picture would stand still. So where
//! packets get lost, it is told to wait for a second try, and where many do, for a third.

use crate::time::Time;

/// Milliseconds for noticing a loss, twice, and for a sender's pacing.
const NOTICED: u64 = 50;

/// Milliseconds at most: people still talk with each other. And what ends it: 0 would ask for no buffer at all.
const MOST: u64 = 400;
const LEAST: u64 = 10;

/// Milliseconds there and back, until a report tells.
const ROUND_TRIP: u64 = 100;

/// Smaller changes are none, and how long less is enough before it is: each change is seen.
const STEP: u64 = 20;
const CALM: u64 = 10_000;

/// Milliseconds that receivers may go up to by themselves.
const LONGEST: u64 = 10_000;

/// Average losses, in sixteenths of a 256th, from which on a way is lossy (1 %), and very much so (7 %).
pub const LOSSY: u32 = 40;
const VERY_LOSSY: u32 = 287;

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
    least: Option<u64>,
    /// Since when less is enough.
    calm: Option<Time>,
}

impl Playout {
    /// So many milliseconds are needed now.
    pub fn follow(&mut self, needed: u64, now: Time) {
        let told = self.least.unwrap_or(0);
        if needed >= told + STEP {
            self.least = Some(needed);
        }
        if needed + STEP > told {
            self.calm = None;
        } else if now.millis_since(*self.calm.get_or_insert(now)) >= CALM {
            (self.least, self.calm) = (Some(needed.max(LEAST)), None);
        }
    }

    /// Another source is shown, perhaps on a better way.
    pub fn cut(&mut self) {
        self.calm = self.least.map(|_| Time::default());
    }

    /// The extension: two numbers of 12 bits, in units of ten milliseconds.
    pub fn extension(&self) -> Option<[u8; 3]> {
        let least = self.least?;
        let [_, high, middle, low] = ((((least / 10) << 12) | (LONGEST / 10)) as u32).to_be_bytes();
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
        assert_eq!(playout.extension(), None);
    }

    #[test]
    fn a_receiver_waits_at_once_while_packets_are_lost_and_less_some_time_after() {
        let mut playout = Playout::default();
        playout.follow(needed(LOSSY, Some(100)), Time::from_millis(0));
        assert_eq!(playout.extension(), Some([0x01, 0x93, 0xe8]));
        assert_eq!(told(&playout), Some(250));
        playout.follow(needed(LOSSY, Some(95)), Time::from_millis(1_000));
        assert_eq!(told(&playout), Some(250));
        playout.follow(0, Time::from_millis(2_000));
        playout.follow(0, Time::from_millis(11_900));
        assert_eq!(told(&playout), Some(250));
        playout.follow(0, Time::from_millis(12_000));
        assert_eq!(told(&playout), Some(10));
    }

    #[test]
    fn another_source_is_waited_for_as_its_own_way_needs() {
        let mut playout = Playout::default();
        playout.follow(400, Time::from_millis(20_000));
        playout.cut();
        playout.follow(200, Time::from_millis(20_100));
        assert_eq!(told(&playout), Some(200));
    }

    #[test]
    fn the_more_is_lost_the_longer_it_is_waited_for_but_never_longer_than_people_can_talk() {
        let of = |percent: u32, round_trip| needed(percent * 4_096 / 100, Some(round_trip));
        assert_eq!([0, 2, 10].map(|percent| of(percent, 100)), [0, 250, 350]);
        assert_eq!(of(2, 5_000), 400);
    }
}
