//! How much a sender may send when the link to its partner can't take more. `docs/congestion.md` has a picture of it.
//!
//! A browser estimates what it can receive, but never much above what it does receive: passed on as it is, that
//! estimate would hold the sender down for good. So it only tells *that* a link is narrow, together with delay or loss.
//! *How much* the link takes follows from the receiver's reports: what arrived of what was sent. A capped sender stays
//! below that, by as much as what has queued up needs to drain, and may send more and more again.
//!
//! ```text
//!              the estimate is close          it stays close, and packets queue up or get lost
//!   Free  ------------------------------> Suspected --------------------------------------------> Held
//!    ^  ^ <------------------------------                                                         |  ^
//!    |  |      it is not close any more                       a second without a sign of a full link  | a sign
//!    |  |                                                                                          v  |
//!    |  +-- switch: another partner is shown                      Near  <------------------->  Far
//!    |                                                   (rises slowly)   by what the link  (rises faster
//!    +-- the cap is what the sender may send anyway --------------------  took when full    and faster)
//! ```
//!
//! A quarter of the packets lost behind a long queue leads from `Free` to `Held` at once.
//! `docs/decisions/0014-narrow-links.md` has the measurements.

use super::LOSSY;
use crate::time::Time;

/// What the rules below are made of. A name ends with its unit: milliseconds, bits per second, hundredths (`percent`),
/// thousandths (`permille`), or 256ths as reports count losses.
struct Tuning {
    /// Between two words to a sender that is capped. It takes a second to follow, and one that is lost is made up for
    /// soon.
    told_every_ms: u64,
    /// No cap is lower: a face and a voice still get through.
    least_bps: u64,
    /// An estimate below so much of what is delivered is the link's. On a free link it is at 145.
    close_percent: u64,
    /// It has to stay there for so long: what is delivered may rise faster than the estimate.
    stays_ms: u64,
    /// An estimate that is older means nothing.
    stale_ms: u64,
    /// An estimate below so much of the one before says that packets queue up.
    falls_percent: u64,
    /// So long a queue, or so much loss, is there when a link is full. Loss counts only with a queue or a falling
    /// estimate: links that always lose some are not full.
    full_queue_ms: u64,
    full_loss_256ths: u8,
    /// So much of both needs no estimate.
    heavy_queue_ms: u64,
    heavy_loss_256ths: u8,
    /// What a sender may have of what arrives, before the queue is taken off.
    share_permille: u64,
    /// One thousandth less for each millisecond of the queue, which so drains in a second: at least and at most.
    least_drained_ms: u64,
    most_drained_ms: u64,
    /// Reports are added up for so long, as a browser that misses something reports with each complaint. After a much
    /// longer time without any, their sum says nothing.
    window_ms: u64,
    longest_window_ms: u64,
    /// IP and UDP around each datagram, in bytes.
    header_bytes: u64,
    /// A lower cap is seen in what arrives after so long: round trip, encoder, report.
    seen_ms: u64,
    /// Without a sign of a full link for so long, a cap begins to rise.
    calm_ms: u64,
    /// Between these parts of what the link took last, it rises slowly.
    near_from_percent: u64,
    near_to_percent: u64,
    /// So much a second while packets wait, and while none do: a queue is noticed before it overflows at 200 ms.
    near_queued_permille: u64,
    near_permille: u64,
    /// Packets wait when they do for longer than this: less is jitter.
    waits_ms: u64,
    /// Elsewhere it rises by so much a second more with each second, up to a bound.
    faster_permille: u64,
    fastest_permille: u64,
    /// A queue that stops a cap from rising. With losses it tells of a full link, too.
    stops_queue_ms: u64,
    /// A cap that was stopped is at most so much of what the link takes.
    stopped_percent: u64,
    /// The least round trip is believed to be a millisecond more after each of these: links change.
    believed_ms: u64,
}

const TUNING: Tuning = Tuning {
    told_every_ms: 200,
    least_bps: 150_000,
    close_percent: 120,
    stays_ms: 500,
    stale_ms: 3_000,
    falls_percent: 95,
    full_queue_ms: 60,
    full_loss_256ths: 6,
    heavy_queue_ms: 100,
    heavy_loss_256ths: 64,
    share_permille: 950,
    least_drained_ms: 75,
    most_drained_ms: 350,
    window_ms: 500,
    longest_window_ms: 3_000,
    header_bytes: 28,
    seen_ms: 1_000,
    calm_ms: 1_000,
    near_from_percent: 90,
    near_to_percent: 115,
    near_queued_permille: 30,
    near_permille: 80,
    waits_ms: 10,
    faster_permille: 40,
    fastest_permille: 200,
    stops_queue_ms: 30,
    stopped_percent: 125,
    believed_ms: 500,
};

/// What is believed of a link, and so what its cap does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It takes what it is given: there is no cap.
    Free,
    /// Its receiver estimates little, for too short a time yet to believe it.
    Suspected,
    /// It was full within the last second: the cap stays.
    Held,
    /// The cap is about what the link took when it was last full, and rises slowly.
    Near,
    /// It is far from that, and rises faster and faster.
    Far,
}

/// Of the slots of one receiver: how full the link to it is.
#[derive(Debug, Default)]
pub struct Downlink {
    estimate: Option<(u64, Time)>,
    /// When it last fell.
    fell_at: Option<Time>,
    /// Since when it is close to what is delivered, as far as that was asked.
    suspected_since: Option<Time>,
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
    /// What the link took when it was last full.
    takes: u64,
    lowered_at: Time,
    /// Since when nothing tells that it is too much.
    calm_since: Time,
    /// Since when it rises faster and faster, and up to when it has risen.
    faster_since: Time,
    risen_at: Time,
}

impl Ceiling {
    fn phase(&self, now: Time) -> Phase {
        let near = self.takes * TUNING.near_from_percent / 100..self.takes * TUNING.near_to_percent / 100;
        match now.millis_since(self.calm_since) {
            passed if passed < TUNING.calm_ms => Phase::Held,
            _ if near.contains(&self.bitrate) => Phase::Near,
            _ => Phase::Far,
        }
    }

    /// Let it rise as its phase allows, while packets queue up for so many milliseconds.
    fn rise(&mut self, phase: Phase, queued: u64, now: Time) {
        let passed = now.millis_since(self.risen_at).min(1_000);
        self.risen_at = now;
        if phase != Phase::Far {
            self.faster_since = now;
        }
        let permille = match phase {
            Phase::Free | Phase::Suspected | Phase::Held => 0,
            Phase::Near if queued > TUNING.waits_ms => TUNING.near_queued_permille,
            Phase::Near => TUNING.near_permille,
            Phase::Far => {
                let more = TUNING.faster_permille * now.millis_since(self.faster_since) / 1_000;
                (TUNING.near_queued_permille + more).min(TUNING.fastest_permille)
            }
        };
        self.bitrate += self.bitrate * permille * passed / 1_000_000;
    }

    /// While packets queue up, so many bits per second came: that is what the link takes.
    fn filled(&mut self, came: u64) {
        // The receiver's reports cut time unevenly.
        self.takes = self.takes.midpoint(came);
        let most = self.takes.max(came) * TUNING.stopped_percent / 100;
        self.bitrate = self.bitrate.min(TUNING.least_bps.max(most));
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
    /// Datagrams, and their bytes, that the receiver was sent so far: this stream, others, and retransmissions.
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
        if millis < TUNING.window_ms {
            return None;
        }
        let Arrival { sent, with_others, .. } = *arrival;
        let next = Self { since: now, sent, with_others, ..Self::default() };
        let window = std::mem::replace(self, next);
        if millis > TUNING.longest_window_ms || window.expected == 0 {
            return None;
        }
        // What else was sent took the same link.
        let (datagrams, bytes) = (with_others.0 - window.with_others.0, with_others.1 - window.with_others.1);
        let sent = u64::from(sent.wrapping_sub(window.sent)).max(1);
        let came = (window.expected - window.lost).min(2 * sent);
        Some((
            (255 * window.lost / window.expected) as u8,
            (bytes + TUNING.header_bytes * datagrams) * came / sent * 8_000 / millis,
        ))
    }
}

impl Downlink {
    /// The receiver estimates that it can receive so many bits per second (REMB).
    pub fn estimated(&mut self, bitrate: u64, now: Time) {
        let falls = self
            .estimate
            .is_some_and(|(before, _)| bitrate.saturating_mul(100) < before.saturating_mul(TUNING.falls_percent));
        self.estimate = Some((bitrate, now));
        if falls {
            self.fell_at = Some(now);
        }
        let filling = self.is_filling(now);
        if let Some(ceiling) = self.ceiling.as_mut().filter(|_| falls) {
            ceiling.calm_since = now;
            // Nothing tells as soon how narrow it is.
            if filling {
                ceiling.bitrate = ceiling.bitrate.min(bitrate.max(TUNING.least_bps));
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
        self.losing_more = lost >= TUNING.full_loss_256ths && u32::from(lost) * 16 > 2 * self.loss;
        self.loss = (7 * self.loss + 16 * u32::from(lost)) / 8;
        self.arrived = Some(rate);
        let (queued, filling) = (self.queued(), self.is_filling(now));
        let Some(ceiling) = self.ceiling.as_mut().filter(|_| filling || queued > TUNING.stops_queue_ms) else { return };
        ceiling.filled(rate);
        // What was told takes its time to be seen.
        if filling && now.millis_since(ceiling.lowered_at) >= TUNING.seen_ms && self.is_close(delivered, now) {
            self.lower(delivered, now);
        }
    }

    /// The round trip took so many milliseconds. The least of them is believed less and less, as links change.
    pub fn took(&mut self, round_trip: u64, now: Time) {
        let (least, _) = self.round_trips.unwrap_or((round_trip, round_trip));
        let grown = now.millis_since(self.least_since) / TUNING.believed_ms;
        if round_trip <= least + grown {
            self.round_trips = Some((round_trip, round_trip));
            self.least_since = now;
        } else {
            self.round_trips = Some((least + grown, round_trip));
            self.least_since = self.least_since.plus_millis(grown * TUNING.believed_ms);
        }
        let queued = self.queued();
        if let Some(ceiling) = self.ceiling.as_mut().filter(|_| queued > TUNING.stops_queue_ms) {
            ceiling.calm_since = now;
        }
    }

    /// Whether packets get lost on the link, though it is not full.
    pub fn is_lossy(&self) -> bool {
        self.loss() >= LOSSY
    }

    /// Average loss in sixteenths of a 256th; none on a link that is full, because then it is no reason to send more.
    pub fn loss(&self) -> u32 {
        if self.is_full() { 0 } else { self.loss }
    }

    /// Whether packets queue up on the link.
    pub fn is_full(&self) -> bool {
        self.ceiling.is_some() || self.queued() > TUNING.full_queue_ms
    }

    /// Whether what was sent lately is lost for good, and a keyframe is better than recovering it. Says so once.
    pub fn take_spoilt(&mut self) -> bool {
        std::mem::take(&mut self.spoilt)
    }

    /// Somebody else is shown: what was estimated of the last partner's stream means nothing for this one's.
    pub fn switch(&mut self) {
        self.estimate = None;
        self.suspected_since = None;
        self.ceiling = None;
    }

    /// Whether the round trip should be known better than by a report each second.
    pub fn is_watched(&self, now: Time) -> bool {
        self.ceiling.is_some() || self.fell_at.is_some_and(|at| now.millis_since(at) < TUNING.stale_ms)
    }

    /// What those who are shown to this receiver may send together while it is delivered so many bits per second.
    /// None: as much as `most`.
    pub fn cap(&mut self, delivered: u64, most: u64, now: Time) -> Option<u64> {
        let (phase, queued) = (self.phase(now), self.queued());
        if let Some(ceiling) = &mut self.ceiling {
            ceiling.rise(phase, queued, now);
        } else if self.is_overrun(delivered, now) {
            self.spoilt = self.lost >= TUNING.heavy_loss_256ths;
            self.lower(delivered, now);
        }
        self.ceiling.take_if(|ceiling| ceiling.bitrate >= most);
        self.ceiling.as_ref().map(|ceiling| ceiling.bitrate)
    }

    fn phase(&self, now: Time) -> Phase {
        match (&self.ceiling, self.suspected_since) {
            (Some(ceiling), _) => ceiling.phase(now),
            (None, Some(_)) => Phase::Suspected,
            (None, None) => Phase::Free,
        }
    }

    /// Stay below what the link takes, by so much that it drains.
    fn lower(&mut self, delivered: u64, now: Time) {
        let takes = self.arrived.map_or(delivered, |arrived| arrived.min(delivered));
        let drained = self.queued().clamp(TUNING.least_drained_ms, TUNING.most_drained_ms);
        let bitrate = TUNING.least_bps.max(takes * (TUNING.share_permille - drained) / 1_000);
        let before = self.ceiling.as_ref().map(|ceiling| (ceiling.bitrate, ceiling.takes));
        let (bitrate, takes) = before.map_or((bitrate, takes), |before| (before.0.min(bitrate), before.1));
        let (lowered_at, calm_since, faster_since, risen_at) = (now, now, now, now);
        self.ceiling = Some(Ceiling { bitrate, takes, lowered_at, calm_since, faster_since, risen_at });
    }

    /// Whether more is sent than the link takes.
    fn is_overrun(&mut self, delivered: u64, now: Time) -> bool {
        let since = self.is_close(delivered, now).then(|| *self.suspected_since.get_or_insert(now));
        self.suspected_since = since;
        let stays = since.is_some_and(|since| now.millis_since(since) >= TUNING.stays_ms);
        let heavily =
            self.losing_more && self.lost >= TUNING.heavy_loss_256ths && self.queued() > TUNING.heavy_queue_ms;
        heavily || stays && self.is_filling(now)
    }

    /// Whether the receiver can't estimate as much as on a free link.
    fn is_close(&self, delivered: u64, now: Time) -> bool {
        self.estimate.is_some_and(|(estimate, at)| {
            now.millis_since(at) <= TUNING.stale_ms
                && estimate.saturating_mul(100) < delivered.saturating_mul(TUNING.close_percent)
        })
    }

    fn is_filling(&self, now: Time) -> bool {
        let falls = self.fell_at.is_some_and(|at| now.millis_since(at) < TUNING.seen_ms);
        self.queued() > TUNING.full_queue_ms || self.losing_more && (falls || self.queued() > TUNING.stops_queue_ms)
    }

    /// Milliseconds that packets wait on the link.
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
            (Some(_), Some(_)) => now.millis_since(self.told) >= TUNING.told_every_ms,
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
