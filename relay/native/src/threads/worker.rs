//! A media thread: waits, gathers a batch, has the exchange work on it, sends what comes of it.
//!
//! Threads share the shards of the exchange, whose locks Python never takes: any thread works on any of them, and each
//! runs the rounds of some (`docs/decisions/0003-media-threads.md`). The first thread also wakes for commands.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::events::Events;
use super::ordered::Ordered;
use super::shards::{Bench, Broken};
use crate::counters::{Counter, Reason, Totals};
use crate::net::{BATCH, Bound, Flows, Receiver, Sender, Wake, precise_timers, wait_readable};

use crate::outbox::Outbox;
use crate::time::Time;

/// Packets in a burst, at least where few people talk: a picture's, or one of sound.
const BURST: f64 = 2.0;

/// A rest that is shorter costs more than it saves.
const SHORTEST_REST: Duration = Duration::from_micros(30);

/// What is due may wait so long for a packet to wake the thread anyway.
const SLACK: Duration = Duration::from_millis(2);

/// Batches read before other work gets its turn.
const BATCHES_PER_WAKE: usize = 8;

/// Between looks for allocations of TURN that nobody refreshed.
const EXPIRY: Duration = Duration::from_secs(1);

/// Why the other threads end when one has panicked.
impl From<Broken> for String {
    fn from(Broken: Broken) -> Self {
        "another media thread died".to_owned()
    }
}

/// How long a thread waits when nothing is due, so that it notices that it should stop, and is seen to run.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// What a thread needs.
pub struct Worker {
    /// Its own sockets.
    pub sockets: Vec<Bound>,
    /// Everybody's connections.
    pub flows: Arc<Flows>,
    /// Everybody's.
    pub exchange: Arc<Ordered>,
    /// Its own: what it counts outside of the exchange.
    pub totals: Arc<Totals>,
    /// Which of how many threads this is.
    pub number: (usize, usize),
    /// Nanoseconds for which it waited for others to leave a shard.
    pub waited: Arc<Counter>,
    /// From one wake to the next, as soon as bursts come more often than that
    /// (`docs/decisions/0013-when-a-media-thread-wakes.md`). Zero: what comes wakes the thread, however much it is.
    pub gathering: Duration,
    /// Signalled when there are commands, or when it is time to stop.
    pub wake: Arc<Wake>,
    /// Upward.
    pub events: Events,
    /// Set when it is time to stop.
    pub stopping: Arc<AtomicBool>,
    /// Counts the thread's turns: it hangs if they stop.
    pub turns: Arc<Counter>,
    /// Where [`Time`] begins.
    pub origin: Instant,
}

impl Worker {
    /// Work until told to stop. A panic ends only this thread, and is reported.
    pub fn run(mut self) {
        let stopping = Arc::clone(&self.stopping);
        if let Some(message) = supervise(&stopping, || self.work()) {
            self.events.tell_death(message);
        }
    }

    fn work(&mut self) -> Result<(), String> {
        precise_timers();
        crate::ice::path_validation::warm_up();
        let (mut receiver, mut sender, mut outbox) = (Receiver::default(), Sender::default(), Outbox::default());
        let mut pace = Pace::default();
        let mut overflow = vec![0; self.sockets.len()];
        let (mut wait, mut woke) = (Duration::ZERO, self.origin.elapsed());
        let mut expired = woke;
        // Whether anything came, and whether some of it is still there.
        let (mut came, mut behind) = (false, false);
        while !self.stopping.load(Ordering::Acquire) {
            self.turns.add(1);
            let ordered = if came && pace.is_busy(self.gathering) {
                let rest = (woke + self.gathering).saturating_sub(self.origin.elapsed());
                // Orders end the rest: somebody joins, or is shown to somebody else.
                !behind && rest >= SHORTEST_REST && wait_readable(&[], &self.wake, rest)
            } else {
                wait_readable(&self.sockets, &self.wake, wait)
            };
            if ordered {
                self.wake.clear();
            }
            woke = self.origin.elapsed();
            (came, behind) = (false, false);
            let expires = self.number.0 == 0 && woke >= expired + EXPIRY;
            if expires {
                expired = woke;
            }
            self.lead(expires, &mut sender, &mut outbox)?;
            for (at, overflow) in overflow.iter_mut().enumerate() {
                for turn in 1..=BATCHES_PER_WAKE {
                    let filled = receiver.fill(&self.sockets[at]);
                    let count = filled.map_err(|error| format!("a media socket is gone: {error}"))?;
                    if count == 0 {
                        break;
                    }
                    came = true;
                    pace.count(count, self.origin.elapsed());
                    self.pass(&mut receiver, count, at, overflow, &mut sender, &mut outbox)?;
                    if count < BATCH {
                        break;
                    }
                    behind |= turn == BATCHES_PER_WAKE;
                }
            }
            wait = self.until_due();
        }
        // What was ordered before the end: goodbyes.
        self.lead(false, &mut sender, &mut outbox)?;
        Ok(())
    }

    /// Have the exchange work on a batch that came through the socket `at`.
    fn pass(
        &mut self,
        receiver: &mut Receiver,
        count: usize,
        at: usize,
        overflow: &mut u32,
        sender: &mut Sender,
        outbox: &mut Outbox,
    ) -> Result<(), Broken> {
        let now = self.now();
        let Self { exchange, sockets, events, totals, waited, .. } = self;
        let batch = receiver.batch(count, &sockets[at]).filter_map(|received| {
            if let Some(total) = received.overflow {
                totals.drops.add(Reason::SocketOverflow, u64::from(total.wrapping_sub(*overflow)));
                *overflow = total;
            }
            let reason = match (received.datagram, received.path) {
                (Some(datagram), Some(path)) => return Some((datagram, path)),
                (None, _) => Reason::Oversized,
                (_, None) => Reason::UnknownProtocol,
            };
            totals.drops.count(reason);
            None
        });
        exchange.receive(batch, &mut Bench { now, out: outbox, events, totals, waited })?;
        self.finish(sender, outbox);
        Ok(())
    }

    /// Carry out orders, and what is due.
    fn lead(&mut self, expires: bool, sender: &mut Sender, outbox: &mut Outbox) -> Result<(), Broken> {
        let now = self.now();
        let Self { exchange, events, totals, waited, number: (number, count), .. } = self;
        let mut bench = Bench { now, out: outbox, events, totals, waited };
        let shards = exchange.current(&mut bench)?;
        shards.run_rounds(*number, *count, &mut bench)?;
        if expires {
            shards.expire(&mut bench)?;
        }
        self.finish(sender, outbox);
        Ok(())
    }

    fn finish(&mut self, sender: &mut Sender, outbox: &mut Outbox) {
        self.events.tell_transcoders(outbox, &self.totals);
        if !outbox.items().is_empty() {
            let failed = sender.send(&self.sockets, &self.flows, outbox);
            self.totals.drops.add(Reason::SendFailed, failed as u64);
            outbox.clear();
        }
    }

    fn until_due(&self) -> Duration {
        let (number, count) = self.number;
        let Some(due) = self.exchange.as_they_stand().due(number, count) else { return LONGEST_WAIT };
        Duration::from_nanos(due.nanos_since(self.now())).saturating_add(SLACK).min(LONGEST_WAIT)
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.origin.elapsed().as_nanos() as u64)
    }
}

/// Run a thread's work; gives why it ended, if nobody told it to.
pub(crate) fn supervise(stopping: &AtomicBool, work: impl FnOnce() -> Result<(), String>) -> Option<String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(_) if stopping.load(Ordering::Acquire) => None,
        Ok(ended) => Some(ended.err().unwrap_or_else(|| "nobody told it to end".to_owned())),
        Err(panic) => panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .or_else(|| Some("a media thread panicked".to_owned())),
    }
}

/// How many packets come per second, over the last tenth of a second.
#[derive(Debug, Default)]
struct Pace {
    counted: usize,
    since: Duration,
    rate: f64,
}

impl Pace {
    fn count(&mut self, packets: usize, now: Duration) {
        self.counted += packets;
        let elapsed = now.saturating_sub(self.since);
        if elapsed >= Duration::from_millis(100) {
            self.rate = self.counted as f64 / elapsed.as_secs_f64();
            self.counted = 0;
            self.since = now;
        }
    }

    /// Whether bursts come more often than once in this time.
    fn is_busy(&self, gathering: Duration) -> bool {
        self.rate * gathering.as_secs_f64() >= BURST
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn a_thread_that_ends_though_nobody_told_it_to_says_why() {
        let word = |told: bool, work: fn() -> Result<(), String>| supervise(&AtomicBool::new(told), work);
        assert_eq!(word(true, || Ok(())), None);
        assert_eq!(word(true, || Err("socket".to_owned())), None, "it was about to end anyway");
        assert_eq!(word(false, || Err("socket".to_owned())).as_deref(), Some("socket"));
        assert_eq!(word(false, || Ok(())).as_deref(), Some("nobody told it to end"));
        // A panic is told of in any case: in words that were made for it, that were written before, or without any.
        assert_eq!(word(true, || std::panic::panic_any("index 7".to_owned())).as_deref(), Some("index 7"));
        assert_eq!(word(true, || std::panic::panic_any("index")).as_deref(), Some("index"));
        assert_eq!(word(true, || std::panic::panic_any(7)).as_deref(), Some("a media thread panicked"));
    }

    fn is_busy_at(packets_per_second: usize, gathering: Duration) -> bool {
        let mut pace = Pace::default();
        (1..=300).for_each(|millis| pace.count(packets_per_second / 1_000, Duration::from_millis(millis)));
        pace.is_busy(gathering)
    }

    #[test]
    fn a_thread_gathers_as_soon_as_bursts_come_more_often_than_it_rests() {
        let millis = Duration::from_millis;
        assert!(!is_busy_at(1_000, millis(1)) && is_busy_at(3_000, millis(1)));
        assert!(!is_busy_at(1_000, millis(1)) && is_busy_at(1_000, millis(3)));
        assert!(!is_busy_at(1_000_000, Duration::ZERO), "never");
    }
}
