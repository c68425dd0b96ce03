//! How much a sender may send when the way to its partner can't take more.
//!
//! A browser estimates what it can receive, but never much above what it does receive: passed on as it is, that
//! estimate would hold the sender down for good. So it counts only while it stays close to what is delivered, and
//! only once delay or loss say that the way is full; and the sender may always have a little more than that, so that
//! it finds out when there is room again. `media-rules` has the measurements.

use crate::forward::playout::LOSSY;
use crate::time::Time;

/// Milliseconds between two caps: a sender takes a second to follow, and a lost one is made up for soon.
const REPEATED: u64 = 200;

/// Bits per second: never less, and so much above what the receiver estimates.
const LEAST: u64 = 150_000;
const HEADROOM: u64 = 90_000;

/// An estimate below so many hundredths of what is delivered is the link's; on a free one it is at 145.
const CLOSE: u64 = 120;

/// Milliseconds for which it has to stay there: what is delivered may rise faster than the estimate.
const STAYS: u64 = 500;

/// Milliseconds after which an estimate means nothing.
const STALE: u64 = 3_000;

/// 256ths of the packets that are lost on a full link, and milliseconds by which a round trip grows there.
const LOSS: u8 = 6;
const GROWTH: u64 = 40;

/// Of the slots of one receiver: how full the way to it is.
#[derive(Debug, Default)]
pub struct Downlink {
    estimate: Option<(u64, Time)>,
    /// Since when it is close to what is delivered.
    close_since: Option<Time>,
    /// Average loss in sixteenths of a 256th, and whether it lately rose.
    loss: u32,
    losing_more: bool,
    round_trips: Option<(u64, u64)>,
    capped: bool,
}

impl Downlink {
    /// The receiver estimates that it can receive so many bits per second (REMB).
    pub fn estimated(&mut self, bitrate: u64, now: Time) {
        self.estimate = Some((bitrate, now));
    }

    /// The receiver lost so many 256ths of a stream.
    pub fn lost(&mut self, fraction: u8) {
        // A link that always loses some is not full.
        self.losing_more = fraction >= LOSS && u32::from(fraction) * 16 > 2 * self.loss;
        self.loss = (7 * self.loss + 16 * u32::from(fraction)) / 8;
    }

    /// The way there and back took so many milliseconds.
    pub fn took(&mut self, round_trip: u64) {
        let least = self.round_trips.map_or(round_trip, |(least, _)| least.min(round_trip));
        self.round_trips = Some((least, round_trip));
    }

    /// Whether packets get lost on the way, though it is not full.
    pub fn is_lossy(&self) -> bool {
        self.loss() >= LOSSY
    }

    /// Average loss in sixteenths of a 256th; none on a way that is full, because then it is no reason to send more.
    pub fn loss(&self) -> u32 {
        if self.is_full() { 0 } else { self.loss }
    }

    /// Whether packets queue up on the way.
    pub fn is_full(&self) -> bool {
        self.capped || self.is_slow()
    }

    fn is_slow(&self) -> bool {
        self.round_trips.is_some_and(|(least, latest)| latest > least + GROWTH)
    }

    /// Somebody else is shown: what was estimated of the last partner's stream means nothing for this one's.
    pub fn switch(&mut self) {
        self.estimate = None;
        self.close_since = None;
        self.capped = false;
    }

    /// What those who are shown to this receiver may send together while it is delivered so many bits per second.
    /// None: as much as they like.
    pub fn cap(&mut self, delivered: u64, now: Time) -> Option<u64> {
        let (estimate, at) = self.estimate?;
        let close = now.millis_since(at) <= STALE && estimate.saturating_mul(100) < delivered.saturating_mul(CLOSE);
        let since = close.then(|| *self.close_since.get_or_insert(now));
        self.close_since = since;
        let stays = since.is_some_and(|since| now.millis_since(since) >= STAYS);
        self.capped = stays && (self.capped || self.losing_more || self.is_slow());
        self.capped.then_some(LEAST.max(estimate + HEADROOM))
    }
}

/// What one sender was last told.
#[derive(Debug, Default)]
pub struct Cap {
    /// Bits per second.
    pub bitrate: Option<u64>,
    told: Time,
}

impl Cap {
    /// Whether to tell the sender now, given what it may send.
    pub fn changed(&mut self, bitrate: Option<u64>, now: Time) -> bool {
        let tell = match (self.bitrate, bitrate) {
            (None, None) => false,
            (Some(_), Some(_)) => now.millis_since(self.told) >= REPEATED,
            _ => true,
        };
        if tell {
            (self.bitrate, self.told) = (bitrate, now);
        }
        tell
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Time = Time::from_millis(10_000);

    /// What the cap is once things stayed as they are for a while.
    fn settled(downlink: &mut Downlink, delivered: u64) -> Option<u64> {
        downlink.cap(delivered, NOW);
        downlink.cap(delivered, NOW.plus_millis(STAYS))
    }

    #[test]
    fn loss_alone_caps_nobody_while_the_receiver_estimates_as_on_a_free_link() {
        let mut downlink = Downlink::default();
        downlink.lost(25);
        downlink.estimated(1_450_000, NOW);
        assert_eq!(settled(&mut downlink, 1_000_000), None);
    }

    #[test]
    fn an_estimate_close_to_what_is_delivered_is_no_reason_by_itself() {
        let mut downlink = Downlink::default();
        downlink.estimated(1_000_000, NOW);
        assert_eq!(settled(&mut downlink, 1_000_000), None);
    }

    #[test]
    fn a_full_link_caps_until_the_estimate_is_free_again() {
        let mut downlink = Downlink::default();
        downlink.lost(30);
        downlink.estimated(280_000, NOW);
        assert_eq!(settled(&mut downlink, 1_000_000), Some(370_000));
        // The cap works: nothing is lost any more, but the link is as narrow as before.
        downlink.lost(0);
        assert_eq!(downlink.cap(370_000, NOW.plus_millis(STAYS)), Some(370_000));
        downlink.estimated(500_000, NOW);
        assert_eq!(settled(&mut downlink, 400_000), None);
        assert_eq!(settled(&mut downlink, 450_000), None);
    }

    #[test]
    fn a_round_trip_that_grew_is_a_reason() {
        let mut slow = Downlink::default();
        slow.estimated(280_000, NOW);
        slow.took(30);
        assert_eq!(settled(&mut slow, 400_000), None);
        slow.took(150);
        assert_eq!(settled(&mut slow, 400_000), Some(370_000));
    }

    #[test]
    fn a_switch_forgets_the_last_partner_s_estimate() {
        let mut downlink = Downlink::default();
        downlink.lost(30);
        downlink.estimated(280_000, NOW);
        assert!(settled(&mut downlink, 1_000_000).is_some());
        downlink.switch();
        assert_eq!(settled(&mut downlink, 1_000_000), None);
    }

    #[test]
    fn a_link_that_always_loses_some_and_a_rate_that_rises_are_no_reasons() {
        let mut downlink = Downlink::default();
        for _ in 0..30 {
            downlink.lost(13);
        }
        downlink.estimated(1_000_000, NOW);
        assert_eq!(settled(&mut downlink, 1_000_000), None);
        downlink.lost(60);
        downlink.switch();
        downlink.estimated(1_000_000, NOW);
        assert_eq!(downlink.cap(1_000_000, NOW), None);
    }

    #[test]
    fn a_sender_is_told_at_once_then_five_times_a_second_and_once_at_the_end() {
        let mut cap = Cap::default();
        let told: Vec<u64> = (0..2_000)
            .filter(|now| {
                let bitrate = (500..1_000).contains(now).then_some(300_000);
                cap.changed(bitrate, Time::from_millis(*now))
            })
            .collect();
        assert_eq!(told, [500, 700, 900, 1_000]);
    }

    proptest! {
        /// Whatever receivers claim: a cap is never below the least, and only there if they claim little.
        #[test]
        fn a_cap_is_never_below_the_least(
            claims in prop::collection::vec((any::<u32>(), any::<u8>(), any::<u16>(), any::<u32>()), 1..100)
        ) {
            let mut downlink = Downlink::default();
            for (estimate, loss, round_trip, delivered) in claims {
                downlink.estimated(u64::from(estimate), NOW);
                downlink.lost(loss);
                downlink.took(u64::from(round_trip));
                if let Some(cap) = downlink.cap(u64::from(delivered), NOW) {
                    prop_assert!(cap >= LEAST && u64::from(estimate) * 100 < u64::from(delivered) * CLOSE);
                }
            }
        }
    }
}
