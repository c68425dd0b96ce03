//! A media thread: waits, gathers a batch, has the exchange work on it, sends what comes of it.
//!
//! Threads share one exchange behind a mutex that Python never takes. What it guards is a fifth of the cost
//! of a packet; the system calls around it are the rest, and those run side by side
//! (`docs/decisions/0003-media-threads.md`). The first thread also wakes for commands and rounds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::events::Events;
use super::ordered::Ordered;
use crate::counters::{Counter, Reason, Totals};
use crate::exchange::Event;
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

/// Why the other threads end when one has panicked.
pub(crate) const BROKEN: &str = "another media thread died";

/// How long a thread waits when nothing is due, so that it notices that it should stop, and is seen to run.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// What a thread needs.
pub struct Worker {
    /// Its own sockets.
    pub sockets: Vec<Bound>,
    /// Everybody's connections.
    pub flows: Arc<Flows>,
    /// Everybody's.
    pub exchange: Arc<Mutex<Ordered>>,
    /// Everybody's.
    pub totals: Arc<Totals>,
    /// Whether this is the first thread.
    pub leads: bool,
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
            if self.leads && !self.lead(&mut sender, &mut outbox) {
                return Err(BROKEN.to_owned());
            }
            for (at, overflow) in overflow.iter_mut().enumerate() {
                for turn in 1..=BATCHES_PER_WAKE {
                    let filled = receiver.fill(&self.sockets[at]);
                    let count = filled.map_err(|error| format!("a media socket is gone: {error}"))?;
                    if count == 0 {
                        break;
                    }
                    came = true;
                    pace.count(count, self.origin.elapsed());
                    if !self.pass(&mut receiver, count, at, overflow, &mut sender, &mut outbox) {
                        return Err(BROKEN.to_owned());
                    }
                    if count < BATCH {
                        break;
                    }
                    behind |= turn == BATCHES_PER_WAKE;
                }
            }
            wait = self.until_due();
        }
        // What was ordered before the end: goodbyes.
        self.lead(&mut sender, &mut outbox);
        Ok(())
    }

    /// Have the exchange work on a batch that came through the socket `at`. False if another thread broke it.
    fn pass(
        &mut self,
        receiver: &mut Receiver,
        count: usize,
        at: usize,
        overflow: &mut u32,
        sender: &mut Sender,
        outbox: &mut Outbox,
    ) -> bool {
        let now = self.now();
        let Ok(mut ordered) = self.exchange.lock() else { return false };
        let exchange = ordered.current(now, outbox);
        for received in receiver.batch(count, &self.sockets[at]) {
            if let Some(total) = received.overflow {
                self.totals.drops.add(Reason::SocketOverflow, u64::from(total.wrapping_sub(*overflow)));
                *overflow = total;
            }
            match (received.datagram, received.path) {
                (Some(datagram), Some(path)) => exchange.receive(datagram, path, now, outbox),
                (None, _) => self.totals.drops.count(Reason::Oversized),
                (_, None) => self.totals.drops.count(Reason::UnknownProtocol),
            }
        }
        let events = exchange.take_events();
        drop(ordered);
        self.finish(events, sender, outbox);
        true
    }

    /// Carry out commands, and what is due. False if another thread broke the exchange.
    fn lead(&mut self, sender: &mut Sender, outbox: &mut Outbox) -> bool {
        if !self.leads {
            return true;
        }
        let now = self.now();
        let Ok(mut ordered) = self.exchange.lock() else { return false };
        let due = ordered.as_it_stands().due() <= now;
        let exchange = ordered.current(now, outbox);
        if due {
            exchange.run_rounds(now, outbox);
        }
        let events = exchange.take_events();
        drop(ordered);
        self.finish(events, sender, outbox);
        true
    }

    fn finish(&mut self, events: Vec<Event>, sender: &mut Sender, outbox: &mut Outbox) {
        self.events.tell(events, &self.totals);
        self.events.tell_transcoders(outbox, &self.totals);
        if !outbox.items().is_empty() {
            let failed = sender.send(&self.sockets, &self.flows, outbox);
            self.totals.drops.add(Reason::SendFailed, failed as u64);
            outbox.clear();
        }
    }

    fn until_due(&self) -> Duration {
        if !self.leads {
            return LONGEST_WAIT;
        }
        let Ok(mut ordered) = self.exchange.lock() else { return Duration::ZERO };
        let exchange = ordered.as_it_stands();
        if exchange.is_idle() {
            return LONGEST_WAIT;
        }
        Duration::from_nanos(exchange.due().nanos_since(self.now())).saturating_add(SLACK).min(LONGEST_WAIT)
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
