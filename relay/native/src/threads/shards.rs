//! The exchange, cut in shards: each is an [`Exchange`] of its own behind its own lock, and any thread may take any.
//!
//! Nothing on a packet's way concerns two shards: who is shown to whom is in one ([`Shards::bring_together`]). With one
//! media thread there is one shard, and nothing is looked up. With several there are so many that two threads rarely want
//! the same, and one more, the *door*: TURN ends there, and it is shown what belongs to nobody.
//!
//! Who takes several locks takes them in this order: the orders, shards by number, the directory.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::time::Instant;

use super::directory::{Belongs, Directory, Place};
use super::events::Events;
use crate::counters::{Counter, Totals};
use crate::exchange::{Exchange, client_of};
use crate::ids::PeerId;
use crate::net::Wake;
use crate::outbox::Outbox;
use crate::path::Path;
use crate::time::Time;
use crate::turn::Client;

/// Shards for each thread where there are several: a thread holds one for a few microseconds at a time.
const PER_THREAD: usize = 16;

/// Times that datagrams are looked up anew whose peer has moved meanwhile. Those that are left then wait for the orders,
/// without which nobody moves.
const LOOKS: usize = 4;

/// No round is due: nobody is there.
const IDLE: u64 = u64::MAX;

/// Another thread panicked while it held a lock.
#[derive(Debug, PartialEq, Eq)]
pub struct Broken;

/// What a thread works with.
pub struct Bench<'a> {
    /// The time of this batch.
    pub now: Time,
    /// What is sent after the locks are let go.
    pub out: &'a mut Outbox,
    /// Upward.
    pub events: &'a mut Events,
    /// What the thread counts outside of shards.
    pub totals: &'a Totals,
    /// Nanoseconds that it waited for locks.
    pub waited: &'a Counter,
}

/// A datagram, and how it came.
pub struct Incoming<'a> {
    datagram: &'a mut [u8],
    path: Path,
    belongs: Belongs,
    state: State,
}

/// What has become of a datagram.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It has been looked up.
    Waiting,
    Done,
    /// It has to be looked up again.
    Astray,
}

impl<'a> Incoming<'a> {
    /// Not looked up yet.
    pub fn new(datagram: &'a mut [u8], path: Path) -> Self {
        Self { datagram, path, belongs: Belongs::Nowhere, state: State::Waiting }
    }
}

/// Not in one line of the cache with another.
#[repr(align(128))]
struct Shard {
    exchange: Mutex<Exchange>,
    /// When its next round is due, in nanoseconds; [`IDLE`] while nobody is there.
    due: AtomicU64,
    totals: Arc<Totals>,
    /// Of the thread that runs its rounds.
    wake: Arc<Wake>,
}

/// See the module.
pub struct Shards {
    all: Box<[Shard]>,
    directory: Directory,
}

impl Shards {
    /// As many as it takes for the threads that these wake; `make` gives an empty exchange.
    pub fn new(wakes: &[Arc<Wake>], totals: &Totals, make: impl Fn(Arc<Totals>) -> Exchange) -> Self {
        let several = wakes.len() > 1;
        let count = if several { PER_THREAD * wakes.len() + 1 } else { 1 };
        let shard = |place: usize| {
            let totals = Arc::new(totals.beside());
            let exchange = make(Arc::clone(&totals));
            let exchange = Mutex::new(if several { exchange.among_others() } else { exchange });
            Shard { exchange, due: AtomicU64::new(IDLE), totals, wake: Arc::clone(&wakes[place % wakes.len()]) }
        };
        Self { all: (0..count).map(shard).collect(), directory: Directory::default() }
    }

    /// Those in which peers are.
    pub fn places(&self) -> Range<Place> {
        0..if self.are_several() { self.door() } else { 1 }
    }

    /// Whether anything has to be looked up.
    pub fn are_several(&self) -> bool {
        self.all.len() > 1
    }

    /// Where TURN ends.
    pub fn door(&self) -> Place {
        (self.all.len() - 1) as Place
    }

    /// What each counted.
    pub fn totals(&self) -> impl Iterator<Item = &Totals> {
        self.all.iter().map(|shard| &*shard.totals)
    }

    /// Take a shard and work on it. What it tells is told before it is let go: of one peer's events the latest comes last.
    pub fn with<T>(
        &self,
        place: Place,
        bench: &mut Bench<'_>,
        work: impl FnOnce(&mut Exchange, &mut Bench<'_>) -> T,
    ) -> Result<T, Broken> {
        let mut exchange = self.enter(place, bench)?;
        let done = work(&mut exchange, bench);
        self.settle(place, &mut exchange, bench);
        Ok(done)
    }

    /// The same, of something that changes when the next round is due. The thread that runs it is woken if there was none.
    pub fn with_rounds<T>(
        &self,
        place: Place,
        bench: &mut Bench<'_>,
        work: impl FnOnce(&mut Exchange, &mut Bench<'_>) -> T,
    ) -> Result<T, Broken> {
        let shard = &self.all[usize::from(place)];
        self.with(place, bench, |exchange, bench| {
            let done = work(exchange, bench);
            self.schedule(shard, exchange);
            done
        })
    }

    fn schedule(&self, shard: &Shard, exchange: &Exchange) {
        let due = if exchange.is_idle() { IDLE } else { exchange.due().nanos() };
        let before = shard.due.swap(due, Ordering::AcqRel);
        if before == IDLE && due != IDLE {
            shard.wake.signal();
        }
    }

    /// Work on all datagrams of a batch, in an order in which those of each flow stay. False if some are left in it, whose
    /// peers moved every time that they were looked up: they are still to be received, while nobody carries out orders.
    pub fn receive(&self, batch: &mut Vec<Incoming<'_>>, bench: &mut Bench<'_>) -> Result<bool, Broken> {
        self.unwrap_turn(batch, bench)?;
        for look in 0..LOOKS {
            if batch.is_empty() {
                break;
            }
            self.look_and_work(batch, look > 0, bench)?;
            batch.retain(|incoming| incoming.state == State::Astray);
        }
        Ok(batch.is_empty())
    }

    /// Look datagrams up and take each to its shard. Astray are afterwards those whose peer has moved since, and those that
    /// belonged to nobody, if something in the batch may have changed that.
    fn look_and_work(&self, batch: &mut [Incoming<'_>], again: bool, bench: &mut Bench<'_>) -> Result<(), Broken> {
        let (entries, departures) = self.directory.read();
        let mut proving = false;
        for incoming in batch.iter_mut() {
            (incoming.belongs, incoming.state) = (entries.belongs(incoming.datagram, &incoming.path), State::Waiting);
            proving |= may_be_check(incoming.datagram) && incoming.belongs != Belongs::Nowhere;
        }
        drop(entries);
        for incoming in batch.iter_mut().filter(|incoming| incoming.belongs == Belongs::Nowhere) {
            if proving && !again {
                // It may be of who proves the path with a check of the same batch.
                incoming.state = State::Astray;
            } else {
                incoming.belongs = Belongs::To(self.door());
            }
        }
        batch.sort_by_key(|incoming| incoming.belongs);
        // Those that are free come first.
        for wait in [false, true] {
            for group in batch.chunk_by_mut(|one, other| one.belongs == other.belongs) {
                let (Belongs::To(place), State::Waiting) = (group[0].belongs, group[0].state) else { continue };
                let exchange = if wait { Some(self.enter(place, bench)?) } else { self.enter_if_free(place)? };
                if let Some(exchange) = exchange {
                    self.work(place, exchange, group, departures, bench);
                }
            }
        }
        for incoming in batch {
            if let Belongs::Across(named, known) = incoming.belongs {
                self.work_across(incoming, (named, known), departures, bench)?;
            }
        }
        Ok(())
    }

    /// Work on what belongs to a shard, as far as it still does.
    fn work(
        &self,
        place: Place,
        mut exchange: MutexGuard<'_, Exchange>,
        group: &mut [Incoming<'_>],
        departures: u64,
        bench: &mut Bench<'_>,
    ) {
        let stands = self.directory.departures() == departures;
        for incoming in group {
            let is_check = may_be_check(incoming.datagram);
            if (!stands || is_check) && place != self.door() {
                let belongs = self.directory.read().0.belongs(incoming.datagram, &incoming.path);
                if belongs != Belongs::To(place) {
                    incoming.state = State::Astray;
                    continue;
                }
            }
            incoming.state = State::Done;
            exchange.receive(incoming.datagram, incoming.path, bench.now, bench.out);
            if is_check {
                self.note(place, &mut exchange, bench.now);
            }
        }
        self.settle(place, &mut exchange, bench);
    }

    /// Somebody checks by a path that somebody in another shard has proved.
    fn work_across(
        &self,
        incoming: &mut Incoming<'_>,
        (named, known): (Place, Place),
        departures: u64,
        bench: &mut Bench<'_>,
    ) -> Result<(), Broken> {
        let (mut own, mut other) = self.enter_both(named, known, bench)?;
        let stands = self.directory.departures() == departures;
        if !stands && self.directory.read().0.belongs(incoming.datagram, &incoming.path) != incoming.belongs {
            incoming.state = State::Astray;
            return Ok(());
        }
        incoming.state = State::Done;
        own.receive_across(&mut other, incoming.datagram, incoming.path, bench.now, bench.out);
        self.directory.note_moved(named, own.take_touched());
        self.settle(known, &mut other, bench);
        self.settle(named, &mut own, bench);
        Ok(())
    }

    /// Take what is in TURN over UDP out of it.
    fn unwrap_turn(&self, batch: &mut Vec<Incoming<'_>>, bench: &mut Bench<'_>) -> Result<(), Broken> {
        if !batch.iter().any(|incoming| client_of(incoming.datagram, incoming.path).is_some()) {
            return Ok(());
        }
        self.with_turn(bench, |door, bench| {
            batch.retain_mut(|incoming| {
                let Some(client) = client_of(incoming.datagram, incoming.path) else { return true };
                match door.unwrap_turn(incoming.datagram, client, bench.now, bench.out) {
                    Ok(Some((path, data))) => {
                        *incoming = Incoming::new(&mut std::mem::take(&mut incoming.datagram)[data], path);
                        true
                    }
                    _ => false,
                }
            });
        })
    }

    /// Take one message of TURN. False if it was refused; else what it carries is in the batch then.
    pub fn receive_turn<'a>(
        &self,
        message: &'a mut [u8],
        client: Client,
        batch: &mut Vec<Incoming<'a>>,
        bench: &mut Bench<'_>,
    ) -> Result<bool, Broken> {
        let carried = self.with_turn(bench, |door, bench| door.unwrap_turn(message, client, bench.now, bench.out))?;
        if let Ok(Some((path, data))) = &carried {
            batch.push(Incoming::new(&mut message[data.clone()], *path));
        }
        Ok(carried.is_ok())
    }

    /// Work on the exchange that has TURN, and forget the paths that it ends.
    pub fn with_turn<T>(
        &self,
        bench: &mut Bench<'_>,
        work: impl FnOnce(&mut Exchange, &mut Bench<'_>) -> T,
    ) -> Result<T, Broken> {
        let (done, ended) = self.with(self.door(), bench, |door, bench| (work(door, bench), door.take_ended()))?;
        self.forget_all(&ended, bench)?;
        Ok(done)
    }

    fn forget_all(&self, paths: &[Path], bench: &mut Bench<'_>) -> Result<(), Broken> {
        paths.iter().try_for_each(|path| self.forget(path, bench))
    }

    /// The path is gone: its TCP connection has closed, or its allocation has ended.
    pub fn forget(&self, path: &Path, bench: &mut Bench<'_>) -> Result<(), Broken> {
        // Its peer may move meanwhile; then it is where it was moved to.
        for _ in 0..LOOKS {
            let place = if self.are_several() { self.directory.place_of(path) } else { Some(0) };
            let Some(place) = place else { return Ok(()) };
            let was_there = self.with(place, bench, |exchange, bench| {
                let was_there = exchange.is_owned(path);
                exchange.forget(path, bench.now);
                was_there
            })?;
            if was_there || !self.are_several() {
                break;
            }
        }
        Ok(())
    }

    /// Whether somebody has proved to sit behind the path.
    pub fn is_owned(&self, path: &Path, bench: &mut Bench<'_>) -> Result<bool, Broken> {
        if self.are_several() {
            return Ok(self.directory.place_of(path).is_some());
        }
        self.with(0, bench, |exchange, _| exchange.is_owned(path))
    }

    /// Whether the client of TURN has an allocation.
    pub fn has_allocation(&self, client: &Path, bench: &mut Bench<'_>) -> Result<bool, Broken> {
        self.with(self.door(), bench, |exchange, _| exchange.has_allocation(client))
    }

    /// Do what is due in the shards whose rounds this thread runs: one of so many.
    pub fn run_rounds(&self, thread: usize, threads: usize, bench: &mut Bench<'_>) -> Result<(), Broken> {
        for place in (thread..self.all.len()).step_by(threads) {
            let shard = &self.all[place];
            let place = place as Place;
            if shard.due.load(Ordering::Acquire) > bench.now.nanos() {
                continue;
            }
            self.with_rounds(place, bench, |exchange, bench| exchange.run_rounds(bench.now, bench.out))?;
        }
        Ok(())
    }

    /// End allocations of TURN that nobody refreshed.
    pub fn expire(&self, bench: &mut Bench<'_>) -> Result<(), Broken> {
        self.with_turn(bench, |door, bench| door.expire_turn(bench.now))
    }

    /// When the next of those rounds is due.
    pub fn due(&self, thread: usize, threads: usize) -> Option<Time> {
        let due = self.all.iter().skip(thread).step_by(threads).map(|shard| shard.due.load(Ordering::Acquire)).min();
        due.filter(|due| *due != IDLE).map(Time::from_nanos)
    }

    /// Have the company of one peer in the shard of the other's: the smaller moves, and of two alike that of the shard
    /// that `is_fuller`. Gives where both are then, and who moved.
    pub fn bring_together(
        &self,
        (first, first_place): (PeerId, Place),
        (second, second_place): (PeerId, Place),
        first_is_fuller: bool,
        bench: &mut Bench<'_>,
    ) -> Result<(Place, Vec<PeerId>), Broken> {
        let (mut one, mut two) = self.enter_both(first_place, second_place, bench)?;
        let (ones, twos) = (one.company_of(first), two.company_of(second));
        let first_moves = ones.len() < twos.len() || ones.len() == twos.len() && first_is_fuller;
        let (from, to, left, place, movers) = match first_moves {
            true => (&mut one, &mut two, first_place, second_place, ones),
            false => (&mut two, &mut one, second_place, first_place, twos),
        };
        to.take_in(from.take_out(&movers));
        // Both are held, so that nobody finds a peer in neither of them.
        self.directory.note_moved(place, to.take_touched());
        self.directory.note_moved(left, from.take_touched());
        self.schedule(&self.all[usize::from(place)], to);
        self.schedule(&self.all[usize::from(left)], from);
        self.settle(first_place, &mut one, bench);
        self.settle(second_place, &mut two, bench);
        Ok((place, movers))
    }

    /// As [`Directory::departures`].
    #[cfg(test)]
    pub fn departures(&self) -> u64 {
        self.directory.departures()
    }

    /// As [`Directory::len`].
    #[cfg(test)]
    pub fn directory_size(&self) -> (usize, usize) {
        self.directory.len()
    }

    /// Work on what was looked up a while ago. Whether it is astray.
    #[cfg(test)]
    pub fn work_late(
        &self,
        place: Place,
        (datagram, path): (&mut [u8], Path),
        departures: u64,
        bench: &mut Bench<'_>,
    ) -> Result<bool, Broken> {
        let mut group = [Incoming::new(datagram, path)];
        let exchange = self.enter(place, bench)?;
        self.work(place, exchange, &mut group, departures, bench);
        Ok(group[0].state == State::Astray)
    }

    /// Say in the directory what came and what left.
    fn note(&self, place: Place, exchange: &mut Exchange, now: Time) {
        if !self.are_several() {
            return;
        }
        for path in self.directory.note(place, exchange.take_touched()) {
            // Two proved it at once. It stays with who was first.
            exchange.forget(&path, now);
            drop(exchange.take_touched());
        }
    }

    fn settle(&self, place: Place, exchange: &mut Exchange, bench: &mut Bench<'_>) {
        self.note(place, exchange, bench.now);
        bench.events.tell(exchange.take_events(), bench.totals);
    }

    fn enter_if_free(&self, place: Place) -> Result<Option<MutexGuard<'_, Exchange>>, Broken> {
        take_if_free(&self.all[usize::from(place)].exchange)
    }

    fn enter<'s>(&'s self, place: Place, bench: &Bench<'_>) -> Result<MutexGuard<'s, Exchange>, Broken> {
        take(&self.all[usize::from(place)].exchange, bench)
    }

    /// Two shards, in the order in which they are named here, and taken by number.
    fn enter_both<'s>(
        &'s self,
        first: Place,
        second: Place,
        bench: &Bench<'_>,
    ) -> Result<(MutexGuard<'s, Exchange>, MutexGuard<'s, Exchange>), Broken> {
        if first < second {
            let first = self.enter(first, bench)?;
            Ok((first, self.enter(second, bench)?))
        } else {
            let second = self.enter(second, bench)?;
            Ok((self.enter(first, bench)?, second))
        }
    }
}

fn take_if_free<T>(what: &Mutex<T>) -> Result<Option<MutexGuard<'_, T>>, Broken> {
    match what.try_lock() {
        Ok(taken) => Ok(Some(taken)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Poisoned(_)) => Err(Broken),
    }
}

/// Take it, and wait until another thread lets it go. The clock is asked only then: what is free takes no time.
pub(super) fn take<'s, T>(what: &'s Mutex<T>, bench: &Bench<'_>) -> Result<MutexGuard<'s, T>, Broken> {
    if let Some(taken) = take_if_free(what)? {
        return Ok(taken);
    }
    let begun = Instant::now();
    let taken = what.lock().map_err(|_| Broken);
    bench.waited.add(begun.elapsed().as_nanos() as u64);
    taken
}

/// By its first byte (RFC 7983 section 7), when TURN has been unwrapped.
fn may_be_check(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(0..=3))
}
