//! The core from outside: start it, order, take its events, count, stop.
//!
//! Commands go down one bounded queue and events come up another; nobody waits for anybody. Counters are
//! read where the media threads write them.

use std::io;
use std::net::IpAddr;
use std::os::fd::RawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::events::{CoreEvent, Events, ForTranscoder};
use super::ordered::Ordered;
pub use super::ordered::Overloaded;
use super::shards::Shards;
use super::tcp_worker::{Adopted, TcpWorker};
use super::worker::Worker;
use crate::cache::Cache;
use crate::counters::{Counter, Totals};
use crate::exchange::{Command, Exchange};
use crate::ice::bindings::Patience;
use crate::net::{Bound, Buffers, Flows, Poll, Stream, Wake};
use crate::time::{NtpClock, Time};
use crate::tls::Tls;
use crate::turn::Routes;

/// Events that wait at most. Those about flows are kept beyond it, one for each peer.
const EVENTS: usize = 4_096;

/// Packets for transcoders that wait at most: a few seconds of a handful.
const FOR_TRANSCODERS: usize = 2_048;

/// Accepted connections that wait at most; more are closed.
const ADOPTED: usize = 1_024;

/// How long threads may take to stop. One that takes longer hangs, and ends with the process.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// Between looks whether they have.
const STOP_INTERVAL: Duration = Duration::from_millis(5);

/// A socket that can't be opened: which, and why.
#[derive(Debug)]
pub struct CannotOpen {
    /// The address.
    pub host: IpAddr,
    /// The system's word.
    pub cause: io::Error,
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Config {
    /// Addresses to bind.
    pub hosts: Vec<IpAddr>,
    /// UDP port on each of them.
    pub port: u16,
    /// Media threads, one at least.
    pub threads: usize,
    /// Asked for in all, so each socket of several on the same address gets a share.
    pub buffers: Buffers,
    /// How long peers may be silent.
    pub patience: Patience,
    /// How long a thread may rest for a fuller batch ([`Worker::gathering`]).
    pub gathering: Duration,
    /// Bytes that may be kept for retransmission, by all threads together.
    pub cache: u64,
}

/// Running media threads.
pub struct Handle {
    exchange: Arc<Ordered>,
    adopted: SyncSender<Adopted>,
    adopted_wake: Arc<Wake>,
    events: Receiver<CoreEvent>,
    for_transcoders: Receiver<ForTranscoder>,
    /// Whether orders wait for [`Handle::wake`], and whether some do.
    gathers: AtomicBool,
    is_due: AtomicBool,
    /// One for each thread. The first is woken for orders.
    wakes: Vec<Arc<Wake>>,
    event_wake: Arc<Wake>,
    stopping: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    /// Names of the threads, and how many turns each has taken.
    turns: Vec<(String, Arc<Counter>)>,
    /// What each thread counted outside of the exchange.
    totals: Vec<Arc<Totals>>,
    /// Nanoseconds for which each waited for others to leave a shard.
    waited: Vec<Arc<Counter>>,
    granted: Vec<(IpAddr, Buffers)>,
}

impl Handle {
    /// Bind the sockets and start the threads.
    pub fn start(config: &Config) -> Result<Self, CannotOpen> {
        let Config { hosts, port, buffers, .. } = config;
        let threads = config.threads.max(1);
        let fail = |host: IpAddr| move |cause| CannotOpen { host, cause };
        let anywhere = hosts.first().copied().unwrap_or(IpAddr::from([0; 4]));
        let share = Buffers { receive: buffers.receive / threads, send: buffers.send / threads };
        let (mut sockets, mut granted) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let mut own = Vec::new();
            for host in hosts {
                let (bound, got) = Bound::open(*host, *port, threads > 1, share).map_err(fail(*host))?;
                own.push(bound);
                granted.push((*host, got));
            }
            sockets.push(own);
        }
        let origin = Instant::now();
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64);
        let ntp = NtpClock::new(unix, Time::default());
        let routes = Arc::new(Routes::default());
        let wake = || Wake::new().map(Arc::new).map_err(fail(anywhere));
        let wakes: Vec<Arc<Wake>> = (0..threads).map(|_| wake()).collect::<Result<_, _>>()?;
        // The connections'.
        let totals = Arc::new(Totals::sharing(&Arc::new(Cache::new(config.cache))));
        let empty = |totals| Exchange::new(totals, ntp, config.patience, Arc::clone(&routes));
        let exchange = Arc::new(Ordered::new(Shards::new(&wakes, &totals, empty)));
        let (event_queue, events) = sync_channel(EVENTS);
        let (transcoder_queue, for_transcoders) = sync_channel(FOR_TRANSCODERS);
        let event_wake = wake()?;
        let (adopted, adopted_queue) = sync_channel(ADOPTED);
        let adopted_wake = wake()?;
        let poll = Poll::new(&adopted_wake).map_err(fail(anywhere))?;
        let flows = Arc::new(Flows::new(poll, Arc::clone(&routes), Arc::clone(&totals)));
        let mut handle = Self {
            exchange: Arc::clone(&exchange),
            adopted,
            adopted_wake: Arc::clone(&adopted_wake),
            events,
            for_transcoders,
            gathers: AtomicBool::new(false),
            is_due: AtomicBool::new(false),
            wakes: wakes.clone(),
            event_wake: Arc::clone(&event_wake),
            stopping: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
            turns: Vec::new(),
            totals: vec![totals],
            waited: Vec::new(),
            granted,
        };
        let senders: io::Result<Vec<Bound>> = sockets[0].iter().map(Bound::duplicate).collect();
        let name = "media-tcp".to_owned();
        let worker = TcpWorker {
            sockets: senders.map_err(fail(anywhere))?,
            flows: Arc::clone(&flows),
            exchange: Arc::clone(&exchange),
            totals: handle.count_apart(),
            waited: handle.count_waiting(),
            adopted: adopted_queue,
            wake: adopted_wake,
            events: Events::new(event_queue.clone(), transcoder_queue.clone(), Arc::clone(&event_wake)),
            stopping: Arc::clone(&handle.stopping),
            turns: handle.count_turns(&name),
            origin,
        };
        let started = std::thread::Builder::new().name(name).spawn(move || worker.run());
        handle.threads.push(started.map_err(fail(anywhere))?);
        for (number, (sockets, wake)) in sockets.into_iter().zip(wakes).enumerate() {
            let name = format!("media-{number}");
            let worker = Worker {
                sockets,
                flows: Arc::clone(&flows),
                exchange: Arc::clone(&exchange),
                totals: handle.count_apart(),
                waited: handle.count_waiting(),
                number: (number, threads),
                gathering: config.gathering,
                wake,
                events: Events::new(event_queue.clone(), transcoder_queue.clone(), Arc::clone(&event_wake)),
                stopping: Arc::clone(&handle.stopping),
                turns: handle.count_turns(&name),
                origin,
            };
            let started = std::thread::Builder::new().name(name).spawn(move || worker.run());
            handle.threads.push(started.map_err(fail(anywhere))?);
        }
        Ok(handle)
    }

    fn count_turns(&mut self, name: &str) -> Arc<Counter> {
        let turns = Arc::new(Counter::default());
        self.turns.push((name.to_owned(), Arc::clone(&turns)));
        turns
    }

    fn count_apart(&mut self) -> Arc<Totals> {
        let totals = Arc::new(Totals::default());
        self.totals.push(Arc::clone(&totals));
        totals
    }

    fn count_waiting(&mut self) -> Arc<Counter> {
        let waited = Arc::new(Counter::default());
        self.waited.push(Arc::clone(&waited));
        waited
    }

    /// Order something. Never waits. What reaches any socket afterwards is judged when it has been carried out.
    pub fn order(&self, command: Command) -> Result<(), Overloaded> {
        self.order_in_time(command)?;
        self.is_due.store(true, Ordering::Relaxed);
        if !self.gathers.load(Ordering::Relaxed) {
            self.wake();
        }
        Ok(())
    }

    /// From here on orders wake no thread until [`Handle::wake`]: for who has several to give.
    pub fn gather(&self) {
        self.gathers.store(true, Ordering::Relaxed);
    }

    /// Wake a thread for what was ordered meanwhile, if anything was.
    pub fn wake(&self) {
        self.gathers.store(false, Ordering::Relaxed);
        if self.is_due.swap(false, Ordering::Relaxed) {
            self.wakes[0].signal();
        }
    }

    /// The same, without waking a thread: of what nobody notices before something reaches a socket.
    pub fn order_in_time(&self, command: Command) -> Result<(), Overloaded> {
        self.exchange.order(command)
    }

    /// Take over an accepted TCP connection, on which a framed check waits to be read. It is closed when it is no
    /// TCP connection, or when too many wait.
    pub fn adopt(&self, descriptor: RawFd) {
        let Ok((stream, path)) = Stream::adopt(descriptor) else { return };
        self.take_over(Adopted { stream, path, turn: None });
    }

    /// The same, of one on which TURN is spoken: through TLS if there is some. `first` was read already.
    pub fn adopt_turn(&self, descriptor: RawFd, tls: Option<Tls>, first: Vec<u8>) {
        let Ok((stream, path)) = Stream::adopt(descriptor) else { return };
        self.take_over(Adopted { stream, path, turn: Some((tls, first)) });
    }

    fn take_over(&self, adopted: Adopted) {
        if self.adopted.try_send(adopted).is_ok() {
            self.adopted_wake.signal();
        }
    }

    /// Readable while there are events.
    pub fn event_descriptor(&self) -> RawFd {
        self.event_wake.descriptor()
    }

    /// Up to `most` events. What is left keeps the descriptor readable.
    pub fn events(&self, most: usize) -> Vec<CoreEvent> {
        self.event_wake.clear();
        let mut events = self.take(&self.events, most);
        if events.len() < most && self.threads.iter().any(JoinHandle::is_finished) {
            // Its own word may not have fitted.
            events.push(CoreEvent::ThreadDied("a media thread has ended".to_owned()));
        }
        events
    }

    /// Up to `most` packets for transcoders, to be asked for after the events. Likewise.
    pub fn for_transcoders(&self, most: usize) -> Vec<ForTranscoder> {
        self.take(&self.for_transcoders, most)
    }

    fn take<T>(&self, queue: &Receiver<T>, most: usize) -> Vec<T> {
        let taken: Vec<T> = queue.try_iter().take(most).collect();
        if taken.len() == most {
            self.event_wake.signal();
        }
        taken
    }

    /// What passed and what was dropped, since the start.
    pub fn totals(&self) -> Totals {
        let apart = self.totals.iter().map(|totals| &**totals);
        Totals::of_all(self.exchange.as_they_stand().totals().chain(apart))
    }

    /// Nanoseconds for which threads waited for each other to leave a shard, since the start.
    pub fn waited(&self) -> u64 {
        self.waited.iter().map(|waited| waited.get()).sum()
    }

    /// Of each thread: its name, and a number that grows about once a second at least while it runs.
    pub fn turns(&self) -> Vec<(&str, u64)> {
        self.turns.iter().map(|(name, turns)| (name.as_str(), turns.get())).collect()
    }

    /// What the system granted each socket.
    pub fn granted(&self) -> &[(IpAddr, Buffers)] {
        &self.granted
    }

    /// Stop the threads and close the sockets, in [`STOP_TIMEOUT`]. Idempotent. Orders given before are carried out
    /// or not.
    pub fn stop(&mut self) {
        self.stopping.store(true, Ordering::Release);
        for wake in self.wakes.iter().chain([&self.adopted_wake]) {
            wake.signal();
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && Instant::now() < deadline {
                std::thread::sleep(STOP_INTERVAL);
            }
            if thread.is_finished() {
                // A thread that panicked has reported it.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::exchange::PeerSetup;
    use crate::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
    use crate::forward::slot::SlotSetup;
    use crate::ids::{LineId, Medium, PeerId, SlotId};
    use crate::net::wait_readable;
    use crate::wire::codecs::Codec;
    use crate::wire::rtp::{Written, is_rtcp, write_header};

    const SPEAKER: PeerId = 1;
    const LISTENER: PeerId = 2;

    /// Threads on loopback, and two transcoders, one of which hears the other: no packet of theirs leaves the process.
    fn started() -> Handle {
        let hosts = vec![IpAddr::from([127, 0, 0, 1])];
        let patience = Patience { consent: 30_000, silence: 7_000 };
        let buffers = Buffers { receive: 65_536, send: 65_536 };
        let handle = Handle::start(&Config {
            hosts,
            port: 0,
            threads: 2,
            buffers,
            patience,
            gathering: Duration::from_millis(1),
            cache: 1 << 20,
        })
        .unwrap();
        let (medium, extensions) = (Medium::Microphone, ExtensionIds::default());
        let codecs = vec![NumberedCodec { codec: Codec::Opus, payload_type: 111, rtx_payload_type: None }];
        let (mid, ssrc) = (Vec::new(), Some(7));
        let line = LineSetup { medium, mid: mid.clone(), ssrc, rtx_ssrc: None, codecs: codecs.clone(), extensions };
        let slot = SlotSetup { seat: 0, medium, mid, ssrc: 80, rtx_ssrc: 81, codecs, extensions };
        for (peer, lines, slots) in [(SPEAKER, vec![line], vec![]), (LISTENER, vec![], vec![slot])] {
            let setup = PeerSetup { lines, slots, bitrate: 2_500_000 };
            handle.order(Command::OpenTranscoder { peer, setup }).unwrap();
        }
        let slot = SlotId { peer: LISTENER, seat: 0, medium };
        handle.order(Command::Route { slot, source: Some(LineId { peer: SPEAKER, medium }) }).unwrap();
        handle
    }

    fn say(handle: &Handle, sequence: u16) {
        let fields = Written { marker: false, payload_type: 111, sequence, timestamp: 960, ssrc: 7 };
        let mut packet = Vec::new();
        write_header(&mut packet, fields, []);
        packet.push(sequence as u8);
        handle.order(Command::Inject { peer: SPEAKER, packet }).unwrap();
    }

    /// Wait until what was ordered before has been carried out and told: in this turn of the first thread, or the next.
    fn settle(handle: &Handle) {
        let turn = || handle.turns().into_iter().find(|(name, _)| *name == "media-0").unwrap().1;
        let now = turn();
        while turn() < now + 2 {
            std::thread::yield_now();
        }
    }

    #[test]
    fn gathered_orders_wake_a_thread_once_and_at_the_end() {
        let handle = started();
        settle(&handle);
        let is_heard = |patience: u64| wait_readable(&[], &handle.event_wake, Duration::from_millis(patience));
        handle.gather();
        (0..3).for_each(|sequence| say(&handle, sequence));
        assert!(handle.is_due.load(Ordering::Relaxed));
        handle.wake();
        assert!(!handle.is_due.load(Ordering::Relaxed));
        assert!(is_heard(5_000));
        let mut heard = 0;
        while heard < 3 {
            assert!(is_heard(5_000));
            let _ = handle.events(1);
            heard += handle.for_transcoders(8).into_iter().filter(|(_, packet)| !is_rtcp(packet)).count();
        }
        handle.wake();
        assert!(!handle.is_due.load(Ordering::Relaxed), "nothing was ordered since");
    }

    #[test]
    fn what_a_reader_leaves_keeps_the_descriptor_readable() {
        let mut handle = started();
        (0..3).for_each(|sequence| say(&handle, sequence));
        settle(&handle);
        let mut heard = Vec::new();
        while wait_readable(&[], &handle.event_wake, Duration::ZERO) {
            assert!(handle.events(1).is_empty());
            // Reports come whenever they are due.
            let sound = handle.for_transcoders(1).into_iter().filter(|(_, packet)| !is_rtcp(packet));
            heard.extend(sound.map(|(peer, packet)| (peer, packet[12])));
        }
        assert_eq!(heard, [(LISTENER, 0), (LISTENER, 1), (LISTENER, 2)]);
        handle.stop();
        assert!(handle.threads.is_empty());
    }
}
