//! The thread that takes TCP connections in, reads from them, and takes them out.
//!
//! A connection lives as long as its path has an owner: it has [`PROOF_TIMEOUT`] to find one, by a right check. One of
//! TURN lives as long as its allocation.
//! Each gets one read per turn, so nobody who sends much keeps the others waiting.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver as Queue;
use std::time::{Duration, Instant};

use super::events::Events;
use super::ordered::Ordered;
use super::shards::{Bench, Broken, Shards};
use super::worker::supervise;
use crate::counters::{Counter, Reason, Totals};
use crate::ice::newcomers::Newcomers;
use crate::net::{Bound, Flow, Flows, Sender, Stream, Wake};
use crate::outbox::Outbox;
use crate::path::{Path, Transport};
use crate::time::Time;
use crate::tls::Tls;
use crate::turn::Client;
use crate::wire::framing::{Deframer, Framing};

/// Milliseconds that a connection has for its first right check.
const PROOF_TIMEOUT: u64 = 10_000;

/// Connections without an owner. When one more comes, the address that holds most loses one ([`Newcomers`]).
const MOST_UNPROVED: usize = 512;

/// Between looks for connections that nobody owns.
const SWEEP: Duration = Duration::from_secs(1);

/// Messages of TURN on one connection that may be refused one after the other. Once an hour a browser's nonce is too
/// old, and then it is refused a few times before it has taken the new one.
const MOST_REFUSED: u32 = 16;

/// Bytes read before others get their turn.
const READ_SIZE: usize = 32 * 1024;

/// All that are open.
#[derive(Default)]
struct Connections {
    by_id: HashMap<u64, Connection>,
    /// Those that are unproved.
    newcomers: Newcomers,
    next: u64,
}

struct Connection {
    flow: Arc<Flow>,
    deframer: Deframer,
    /// For TURN: who its paths belong to.
    client: Option<Client>,
    /// Messages of TURN that were refused, one after the other.
    refused: u32,
    /// Until when it has to prove itself; None once it has.
    unproved: Option<Time>,
}

/// A connection that Python accepted.
pub struct Adopted {
    /// Itself.
    pub stream: Stream,
    /// Its ends.
    pub path: Path,
    /// If TURN is spoken on it: TLS around it, and what has been read.
    pub turn: Option<(Option<Tls>, Vec<u8>)>,
}

/// What the thread needs.
pub struct TcpWorker {
    /// For sending to those who use UDP.
    pub sockets: Vec<Bound>,
    /// Everybody's.
    pub flows: Arc<Flows>,
    /// Everybody's.
    pub exchange: Arc<Ordered>,
    /// Its own: what it counts outside of the exchange.
    pub totals: Arc<Totals>,
    /// Nanoseconds for which it waited for others to leave a shard.
    pub waited: Arc<Counter>,
    /// Accepted connections.
    pub adopted: Queue<Adopted>,
    /// Signalled when there are some, or when it is time to stop.
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

impl TcpWorker {
    /// Work until told to stop. A panic ends only this thread, and is reported.
    pub fn run(mut self) {
        let stopping = Arc::clone(&self.stopping);
        if let Some(message) = supervise(&stopping, || self.work()) {
            self.events.tell_death(message);
        }
    }

    fn work(&mut self) -> Result<(), String> {
        crate::ice::path_validation::warm_up();
        let mut turn = Turn {
            sender: Sender::default(),
            outbox: Outbox::default(),
            buffer: vec![0; READ_SIZE],
            plain: Vec::new(),
        };
        let mut connections = Connections::default();
        let mut swept = Instant::now();
        while !self.stopping.load(Ordering::Acquire) {
            self.turns.add(1);
            let ready = self.flows.poll.wait(SWEEP);
            for ready in ready.map_err(|error| format!("TCP connections can't be waited for: {error}"))? {
                if ready.id == u64::MAX {
                    self.wake.clear();
                    self.adopt(&mut connections, &mut turn)?;
                    continue;
                }
                let Some(connection) = connections.by_id.get_mut(&ready.id) else { continue };
                if ready.writable {
                    self.flows.flush(&connection.flow);
                }
                if ready.readable {
                    let read = self.read(connection, &mut turn);
                    self.settle(&mut connections, ready.id, read)?;
                }
            }
            if swept.elapsed() >= SWEEP {
                swept = Instant::now();
                self.sweep(&mut connections)?;
            }
        }
        Ok(())
    }

    fn adopt(&mut self, connections: &mut Connections, turn: &mut Turn) -> Result<(), String> {
        let deadline = self.now().plus_millis(PROOF_TIMEOUT);
        while let Ok(Adopted { stream, path, turn: spoken }) = self.adopted.try_recv() {
            if connections.newcomers.len() >= MOST_UNPROVED {
                if let Some(id) = connections.newcomers.to_go_for(path.remote.ip()) {
                    self.totals.drops.count(Reason::TcpCrowded);
                    self.close(connections, id);
                }
            }
            let framing = if spoken.is_some() { Framing::Turn } else { Framing::Ice };
            let (tls, first) = spoken.map_or((None, None), |(tls, first)| (tls, Some(first)));
            let carrier = if tls.is_some() { Transport::TurnTls } else { Transport::TurnTcp };
            let id = connections.next;
            let Ok((flow, before)) = self.flows.insert(id, path, stream, framing, tls) else { continue };
            if let Some(before) = before {
                // The browser used the port again: it has forgotten the older connection.
                self.close(connections, before.id);
            }
            let mut connection = Connection {
                flow,
                deframer: Deframer::new(framing),
                client: first.is_some().then_some(Client { path, carrier }),
                refused: 0,
                unproved: Some(deadline),
            };
            connections.newcomers.add(path.remote.ip(), id);
            connections.next += 1;
            let read = first.map_or(Read::GoesOn, |mut first| self.take(&mut connection, &mut first, turn));
            connections.by_id.insert(id, connection);
            self.settle(connections, id, read)?;
        }
        Ok(())
    }

    /// Do what a reading led to.
    fn settle(&mut self, connections: &mut Connections, id: u64, read: Read) -> Result<(), String> {
        match read {
            Read::GoesOn => {}
            Read::Proved => {
                if let Some(connection) = connections.by_id.get(&id) {
                    connections.newcomers.remove(connection.flow.path.remote.ip(), id);
                }
            }
            Read::Ended => self.close(connections, id),
            Read::Broken(broken) => return Err(broken.into()),
        }
        Ok(())
    }

    fn read(&mut self, connection: &mut Connection, turn: &mut Turn) -> Read {
        let mut buffer = std::mem::take(&mut turn.buffer);
        let read = match connection.flow.stream.read(&mut buffer) {
            Err(_) => Read::Ended,
            Ok(length) if connection.client.is_some_and(|client| client.carrier == Transport::TurnTls) => {
                let mut plain = std::mem::take(&mut turn.plain);
                let opened = self.flows.open(&connection.flow, &buffer[..length], &mut plain);
                // What came before the end counts, as a TURN client says that it leaves.
                let read = self.take(connection, &mut plain, turn);
                plain.clear();
                turn.plain = plain;
                if opened.is_ok() { read } else { Read::Ended }
            }
            Ok(length) => self.take(connection, &mut buffer[..length], turn),
        };
        turn.buffer = buffer;
        read
    }

    /// Take in what came on a connection.
    fn take(&mut self, connection: &mut Connection, piece: &mut [u8], turn: &mut Turn) -> Read {
        let now = self.now();
        let path = connection.flow.path;
        let (client, refused) = (connection.client, &mut connection.refused);
        let Self { exchange, events, totals, waited, .. } = self;
        let mut bench = Bench { now, out: &mut turn.outbox, events, totals, waited };
        let mut broken = None;
        let fed = connection.deframer.feed(piece, |datagram| {
            let received = match client {
                None => exchange.receive(std::iter::once((datagram, path)), &mut bench),
                // Nobody has it answer without end.
                Some(_) if *refused > MOST_REFUSED => Ok(()),
                Some(client) => exchange
                    .receive_turn(datagram, client, &mut bench)
                    .map(|taken| *refused = if taken { 0 } else { *refused + 1 }),
            };
            broken = broken.take().or(received.err());
        });
        let proved = match connection.unproved {
            Some(_) => is_proved(exchange.as_they_stand(), client, &path, &mut bench),
            None => Ok(false),
        };
        let proved = match (broken, proved) {
            (Some(broken), _) | (None, Err(broken)) => return Read::Broken(broken),
            (None, Ok(proved)) => proved,
        };
        if proved {
            connection.unproved = None;
        }
        self.events.tell_transcoders(&mut turn.outbox, &self.totals);
        if !turn.outbox.items().is_empty() {
            let failed = turn.sender.send(&self.sockets, &self.flows, &mut turn.outbox);
            self.totals.drops.add(Reason::SendFailed, failed as u64);
            turn.outbox.clear();
        }
        if fed.is_err() {
            self.totals.drops.count(Reason::TcpMalformed);
        }
        match proved {
            _ if fed.is_err() || *refused > MOST_REFUSED => Read::Ended,
            true => Read::Proved,
            false => Read::GoesOn,
        }
    }

    /// Close those whose time is over, or whose owner has left or has shown many newer paths.
    fn sweep(&mut self, connections: &mut Connections) -> Result<(), Broken> {
        let now = self.now();
        let Self { exchange, events, totals, waited, .. } = self;
        let mut bench = Bench { now, out: &mut Outbox::default(), events, totals, waited };
        let mut over = Vec::new();
        for (id, known) in &connections.by_id {
            let stays = match known.unproved {
                Some(deadline) => deadline > now,
                None => is_proved(exchange.as_they_stand(), known.client, &known.flow.path, &mut bench)?,
            };
            if !stays {
                over.push((*id, known.unproved.is_some()));
            }
        }
        for (id, unproved) in over {
            if unproved {
                self.totals.drops.count(Reason::TcpUnproved);
            }
            self.close(connections, id);
        }
        Ok(())
    }

    fn close(&mut self, connections: &mut Connections, id: u64) {
        let Some(connection) = connections.by_id.remove(&id) else { return };
        connections.newcomers.remove(connection.flow.path.remote.ip(), id);
        self.flows.remove(&connection.flow);
        let now = self.now();
        let Self { exchange, events, totals, waited, .. } = self;
        let mut bench = Bench { now, out: &mut Outbox::default(), events, totals, waited };
        let (shards, path) = (exchange.as_they_stand(), &connection.flow.path);
        // Only the path is lost: the browser may be about to come back on another. What broke the exchange is seen by who
        // takes it next.
        let _ = match connection.client {
            None => shards.forget(path, &mut bench),
            Some(_) => shards.with_turn(&mut bench, |exchange, bench| exchange.forget_client(path, bench.now)),
        };
    }

    fn now(&self) -> Time {
        Time::from_nanos(self.origin.elapsed().as_nanos() as u64)
    }
}

/// Whether the connection is somebody's: its path, or with TURN an allocation.
fn is_proved(shards: &Shards, client: Option<Client>, path: &Path, bench: &mut Bench<'_>) -> Result<bool, Broken> {
    match client {
        None => shards.is_owned(path, bench),
        Some(_) => shards.has_allocation(path, bench),
    }
}

/// Reused for every read.
struct Turn {
    sender: Sender,
    outbox: Outbox,
    buffer: Vec<u8>,
    /// What TLS was taken from.
    plain: Vec<u8>,
}

enum Read {
    GoesOn,
    /// By the first right check.
    Proved,
    Ended,
    Broken(Broken),
}
