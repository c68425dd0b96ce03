//! How much a sender may send when the way to its partner can't take more.
//!
//! A browser estimates what it can receive, but never much above what it does receive: passed on as it is, that
//! estimate would hold the sender down for good. So it only tells that a way is narrow, together with delay or loss. How
//! much the way takes follows from the receiver's reports: what arrived of what was sent. A capped sender stays below
//! that, by as much as what has queued up needs to drain, and may send more and more again: fast while it is far from what
//! the way took last, slowly around that, and fast beyond.
//! `docs/decisions/0014-narrow-links.md` has the measurements.

use crate::forward::playout::LOSSY;
use crate::time::Time;

/// Milliseconds between two caps: a sender takes a second to follow, and a lost one is made up for soon.
const REPEATED: u64 = 200;

/// Bits per second: never less.
const LEAST: u64 = 150_000;

/// An estimate below so many hundredths of what is delivered is the link's; on a free one it is at 145.
const CLOSE: u64 = 120;

/// Milliseconds for which it has to stay there: what is delivered may rise faster than the estimate.
const STAYS: u64 = 500;

/// Milliseconds after which an estimate means nothing.
const STALE: u64 = 3_000;

/// Hundredths of the last estimate below which a new one says that packets queue up.
const FALLS: u64 = 95;

/// 256ths of the packets that are lost on a full link, and milliseconds by which a round trip grows there.
const LOSS: u8 = 6;
const GROWTH: u64 = 60;

/// The same where nobody has to estimate anything to know.
const HEAVY_LOSS: u8 = 64;
const HEAVY_GROWTH: u64 = 100;

/// Thousandths of what arrives that a sender may send, less one for each millisecond of the queue, which so drains in
/// a second: and the least and the most milliseconds that count.
const SHARE: u64 = 950;
const QUEUE: (u64, u64) = (75, 350);

/// Milliseconds for which reports are added up, and within which they are worth something.
const WINDOW: u64 = 500;
const LONGEST_WINDOW: u64 = 3_000;

/// Bytes around a datagram: IP and UDP.
const HEADERS: u64 = 28;

/// Milliseconds after which a lower cap is seen in what arrives.
const SEEN: u64 = 1_000;

/// Milliseconds without a sign of a full link after which a cap begins to rise; then by so many thousandths a second
/// more with each second, up to a bound.
const CALM: u64 = 1_000;
const FASTER: u64 = 40;
const FASTEST: u64 = 200;

/// Hundredths of what the way took last between which a cap rises by so many thousandths a second, with a queue of so many
/// milliseconds or without: one of 200 ms is noticed before it overflows.
const NEAR: (u64, u64) = (90, 115);
const SLOWLY: u64 = 30;
const QUEUES: u64 = 10;
const LESS_SLOWLY: u64 = 80;

/// Milliseconds of a queue that stop a cap from rising, and hundredths of what the way takes above which it is not left
/// then. They tell of a full link, too, if packets get lost as well.
const STOPS: u64 = 30;
const STOPPED: u64 = 125;

/// Milliseconds after which the least round trip is believed one less.
const BELIEVED: u64 = 500;

/// Of the slots of one receiver: how full the way to it is.
#[derive(Debug, Default)]
pub struct Downlink {
    estimate: Option<(u64, Time)>,
    /// When it last fell.
    fell_at: Option<Time>,
    /// Since when it is close to what is delivered.
    close_since: Option<Time>,
    /// Average loss in sixteenths of a 256th, the latest, and whether it lately rose.
    loss: u32,
    lost: u8,
    losing_more: bool,
    /// Milliseconds of a round trip: least and latest; and since when the least is what it is.
    round_trips: Option<(u64, u64)>,
    least_since: Time,
    window: Window,
    /// Bits per second that arrived in the latest one.
    arrived: Option<u64>,
    ceiling: Option<Ceiling>,
    /// So much was lost at once that pictures can only begin anew.
    spoilt: bool,
}

/// What a sender may send.
#[derive(Debug)]
struct Ceiling {
    bitrate: u64,
    /// What the way took when it was last full.
    takes: u64,
    lowered_at: Time,
    /// Since when nothing tells that it is too much.
    calm_since: Time,
    /// Since when it rises faster and faster, and up to when it has risen.
    faster_since: Time,
    risen_at: Time,
}

impl Ceiling {
    /// Let it rise, while packets queue up for so many milliseconds.
    fn rise(&mut self, queued: u64, now: Time) {
        let passed = now.millis_since(self.risen_at).min(1_000);
        self.risen_at = now;
        let near = self.takes * NEAR.0 / 100..self.takes * NEAR.1 / 100;
        if now.millis_since(self.calm_since) < CALM || near.contains(&self.bitrate) {
            self.faster_since = now;
        }
        let per_second = match now.millis_since(self.calm_since) {
            ..CALM => 0,
            _ if near.contains(&self.bitrate) && queued > QUEUES => SLOWLY,
            _ if near.contains(&self.bitrate) => LESS_SLOWLY,
            _ => (SLOWLY + FASTER * now.millis_since(self.faster_since) / 1_000).min(FASTEST),
        };
        self.bitrate += self.bitrate * per_second * passed / 1_000_000;
    }

    /// While packets queue up, so many bits per second came: that is what the way takes.
    fn filled(&mut self, came: u64) {
        // The receiver's reports cut time unevenly.
        self.takes = self.takes.midpoint(came);
        self.bitrate = self.bitrate.min(LEAST.max(self.takes.max(came) * STOPPED / 100));
    }
}

/// What a receiver reports of a stream.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Packets that should have come since its last report.
    pub expected: u64,
    /// Those of them that did not.
    pub lost: u64,
    /// Milliseconds there and back.
    pub round_trip: Option<u64>,
    /// Packets of it that were sent so far.
    pub sent: u32,
    /// Datagrams, and their bytes, that the receiver was sent so far: this stream, others, and what was sent again.
    pub with_others: (u64, u64),
}

/// Reports of half a second or more: a browser that misses something reports with each complaint.
#[derive(Debug, Default)]
struct Window {
    since: Time,
    expected: u64,
    lost: u64,
    sent: u32,
    with_others: (u64, u64),
}

impl Window {
    /// Add a report. Gives 256ths that were lost and bits per second that came, if it was the last of the window.
    fn add(&mut self, arrival: &Arrival, now: Time) -> Option<(u8, u64)> {
        self.expected += arrival.expected;
        self.lost += arrival.lost.min(arrival.expected);
        let millis = now.millis_since(self.since);
        if millis < WINDOW {
            return None;
        }
        let Arrival { sent, with_others, .. } = *arrival;
        let next = Self { since: now, sent, with_others, ..Self::default() };
        let window = std::mem::replace(self, next);
        if millis > LONGEST_WINDOW || window.expected == 0 {
            return None;
        }
        // What else was sent took the same way.
        let (datagrams, bytes) = (with_others.0 - window.with_others.0, with_others.1 - window.with_others.1);
        let sent = u64::from(sent.wrapping_sub(window.sent)).max(1);
        let came = (window.expected - window.lost).min(2 * sent);
        Some((
            (255 * window.lost / window.expected) as u8,
            (bytes + HEADERS * datagrams) * came / sent * 8_000 / millis,
        ))
    }
}

impl Downlink {
    /// The receiver estimates that it can receive so many bits per second (REMB).
    pub fn estimated(&mut self, bitrate: u64, now: Time) {
        let falls = self.estimate.is_some_and(|(before, _)| bitrate.saturating_mul(100) < before.saturating_mul(FALLS));
        self.estimate = Some((bitrate, now));
        if falls {
            self.fell_at = Some(now);
        }
        let filling = self.is_filling(now);
        if let Some(ceiling) = self.ceiling.as_mut().filter(|_| falls) {
            ceiling.calm_since = now;
            // Nothing tells as soon how narrow it is.
            if filling {
                ceiling.bitrate = ceiling.bitrate.min(bitrate.max(LEAST));
            }
        }
    }

    /// The receiver, which is delivered so many bits per second, reports.
    pub fn reported(&mut self, arrival: Arrival, delivered: u64, now: Time) {
        if let Some(round_trip) = arrival.round_trip {
            self.took(round_trip, now);
        }
        let Some((lost, rate)) = self.window.add(&arrival, now) else { return };
        // A link that always loses some is not full.
        self.lost = lost;
        self.losing_more = lost >= LOSS && u32::from(lost) * 16 > 2 * self.loss;
        self.loss = (7 * self.loss + 16 * u32::from(lost)) / 8;
        self.arrived = Some(rate);
        let (queued, filling) = (self.queued(), self.is_filling(now));
        let Some(ceiling) = self.ceiling.as_mut().filter(|_| filling || queued > STOPS) else { return };
        ceiling.filled(rate);
        // What was told takes its time to be seen.
        if filling && now.millis_since(ceiling.lowered_at) >= SEEN && self.is_close(delivered, now) {
            self.lower(delivered, now);
        }
    }

    /// The way there and back took so many milliseconds. The least of them is believed less and less, as ways change.
    pub fn took(&mut self, round_trip: u64, now: Time) {
        let (least, _) = self.round_trips.unwrap_or((round_trip, round_trip));
        let grown = now.millis_since(self.least_since) / BELIEVED;
        if round_trip <= least + grown {
            self.round_trips = Some((round_trip, round_trip));
            self.least_since = now;
        } else {
            self.round_trips = Some((least + grown, round_trip));
            self.least_since = self.least_since.plus_millis(grown * BELIEVED);
        }
        let queued = self.queued();
        if let Some(ceiling) = self.ceiling.as_mut().filter(|_| queued > STOPS) {
            ceiling.calm_since = now;
        }
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
        self.ceiling.is_some() || self.queued() > GROWTH
    }

    /// Whether what was sent lately is lost for good, and a keyframe is better than mending it. Says so once.
    pub fn take_spoilt(&mut self) -> bool {
        std::mem::take(&mut self.spoilt)
    }

    /// Somebody else is shown: what was estimated of the last partner's stream means nothing for this one's.
    pub fn switch(&mut self) {
        self.estimate = None;
        self.close_since = None;
        self.ceiling = None;
    }

    /// Whether the round trip should be known better than by a report each second.
    pub fn is_watched(&self, now: Time) -> bool {
        self.ceiling.is_some() || self.fell_at.is_some_and(|at| now.millis_since(at) < STALE)
    }

    /// What those who are shown to this receiver may send together while it is delivered so many bits per second.
    /// None: as much as `most`.
    pub fn cap(&mut self, delivered: u64, most: u64, now: Time) -> Option<u64> {
        let queued = self.queued();
        if let Some(ceiling) = &mut self.ceiling {
            ceiling.rise(queued, now);
        } else if self.is_overrun(delivered, now) {
            self.spoilt = self.lost >= HEAVY_LOSS;
            self.lower(delivered, now);
        }
        self.ceiling.take_if(|ceiling| ceiling.bitrate >= most);
        self.ceiling.as_ref().map(|ceiling| ceiling.bitrate)
    }

    /// Stay below what the way takes, by so much that it drains.
    fn lower(&mut self, delivered: u64, now: Time) {
        let takes = self.arrived.map_or(delivered, |arrived| arrived.min(delivered));
        let bitrate = LEAST.max(takes * (SHARE - self.queued().clamp(QUEUE.0, QUEUE.1)) / 1_000);
        let before = self.ceiling.as_ref().map(|ceiling| (ceiling.bitrate, ceiling.takes));
        let (bitrate, takes) = before.map_or((bitrate, takes), |before| (before.0.min(bitrate), before.1));
        let (lowered_at, calm_since, faster_since, risen_at) = (now, now, now, now);
        self.ceiling = Some(Ceiling { bitrate, takes, lowered_at, calm_since, faster_since, risen_at });
    }

    /// Whether more is sent than the way takes.
    fn is_overrun(&mut self, delivered: u64, now: Time) -> bool {
        let since = self.is_close(delivered, now).then(|| *self.close_since.get_or_insert(now));
        self.close_since = since;
        let stays = since.is_some_and(|since| now.millis_since(since) >= STAYS);
        let heavily = self.losing_more && self.lost >= HEAVY_LOSS && self.queued() > HEAVY_GROWTH;
        heavily || stays && self.is_filling(now)
    }

    /// Whether the receiver can't estimate as much as on a free way.
    fn is_close(&self, delivered: u64, now: Time) -> bool {
        self.estimate.is_some_and(|(estimate, at)| {
            now.millis_since(at) <= STALE && estimate.saturating_mul(100) < delivered.saturating_mul(CLOSE)
        })
    }

    fn is_filling(&self, now: Time) -> bool {
        let falls = self.fell_at.is_some_and(|at| now.millis_since(at) < SEEN);
        self.queued() > GROWTH || self.losing_more && (falls || self.queued() > STOPS)
    }

    /// Milliseconds that packets wait on the way.
    fn queued(&self) -> u64 {
        self.round_trips.map_or(0, |(least, latest)| latest - least)
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
mod tests;
