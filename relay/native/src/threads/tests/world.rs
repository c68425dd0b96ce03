//! Browsers around several shards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use crate::counters::{Counter, PeerCounters, Reason, Totals};
use crate::exchange::tests::world::{Browser, PASSWORD, REMOTE_PASSWORD, browser_with, check_of, keys};
use crate::exchange::{Command, Event, Exchange};
use crate::ice::bindings::{Patience, Side};
use crate::ids::{LineId, Medium, PeerId, SlotId};
use crate::net::Wake;
use crate::outbox::Outbox;
use crate::path::Path;
use crate::threads::events::{CoreEvent, Events};
use crate::threads::ordered::Ordered;
use crate::threads::shards::{Bench, Shards};
use crate::time::{NtpClock, Time};
use crate::turn::Routes;
use crate::wire::codecs::Codec;
use crate::wire::rtp::is_rtcp;
use crate::wire::stun::{Message, integrity_key};

/// What all threads share.
pub(super) struct Core {
    pub(super) ordered: Ordered,
    wakes: Vec<Arc<Wake>>,
    now: AtomicU64,
    checks: AtomicU64,
}

/// What one thread has.
pub(super) struct Thread {
    pub(super) out: Outbox,
    events: Events,
    told: Receiver<CoreEvent>,
    pub(super) inside: Receiver<(PeerId, Vec<u8>)>,
    totals: Totals,
    pub(super) waited: Counter,
}

impl Core {
    pub(super) fn new(threads: usize) -> Self {
        let wakes: Vec<Arc<Wake>> = (0..threads).map(|_| Arc::new(Wake::new().unwrap())).collect();
        let (routes, ntp) = (Arc::new(Routes::default()), NtpClock::new(1_000_000_000, Time::default()));
        let patience = Patience { consent: 30_000, silence: 7_000 };
        let empty = |totals| Exchange::new(totals, ntp, patience, Arc::clone(&routes));
        let ordered = Ordered::new(Shards::new(&wakes, &Totals::default(), empty));
        Self { ordered, wakes, now: AtomicU64::new(1_000), checks: AtomicU64::new(0) }
    }

    pub(super) fn now(&self) -> Time {
        Time::from_millis(self.now.load(Ordering::SeqCst))
    }

    pub(super) fn pass(&self, millis: u64) {
        self.now.fetch_add(millis, Ordering::SeqCst);
    }

    pub(super) fn order(&self, command: Command) {
        self.ordered.order(command).unwrap();
    }

    /// Show one to the other, or nobody.
    pub(super) fn show(&self, receiver: PeerId, sender: Option<PeerId>) {
        for medium in [Medium::Microphone, Medium::Camera] {
            let source = sender.map(|peer| LineId { peer, medium });
            self.order(Command::Route { slot: SlotId { peer: receiver, seat: 0, medium }, source });
        }
    }

    pub(super) fn totals(&self) -> Totals {
        Totals::of_all(self.ordered.as_they_stand().totals())
    }

    pub(super) fn dropped(&self) -> Vec<(Reason, u64)> {
        let totals = self.totals();
        Reason::ALL.iter().map(|reason| (*reason, totals.drops.get(*reason))).filter(|(_, count)| *count > 0).collect()
    }

    /// Whether the thread that runs the rounds of a shard was woken, since the last time.
    pub(super) fn woke(&self, thread: usize) -> bool {
        let woke = crate::net::wait_readable(&[], &self.wakes[thread], std::time::Duration::ZERO);
        self.wakes[thread].clear();
        woke
    }

    /// Somebody is let in and has keys, but has shown no path.
    pub(super) fn admit(&self, id: PeerId, payload_type: u8) -> Browser {
        let (mut browser, setup) = browser_with(id, payload_type, Codec::Vp8);
        let [_, _, high, low, ..] = (id as u32).to_be_bytes()[..] else { unreachable!() };
        browser.path = Path::udp(([192, 0, high, low], 4_000).into(), [198, 51, 100, 1].into());
        // Before its first wrap.
        browser.index = 60_000;
        let local = Side { ufrag: format!("ufrag{id}").into_bytes(), password: PASSWORD.to_vec() };
        let remote = Side { ufrag: b"them".to_vec(), password: REMOTE_PASSWORD.to_vec() };
        self.order(Command::Admit { peer: id, local, remote });
        self.order(Command::Open { peer: id, setup, counters: Arc::new(PeerCounters::default()) });
        self.order(Command::Secure { peer: id, receive: keys(id as u8), send: keys(100 + id as u8) });
        browser
    }

    /// A check that nobody has sent before.
    pub(super) fn check(&self, id: PeerId) -> Vec<u8> {
        let mut transaction = [0; 12];
        transaction[..8].copy_from_slice(&self.checks.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        check_of(&format!("ufrag{id}"), "them", transaction, &[])
    }
}

impl Thread {
    pub(super) fn new() -> Self {
        let ((queue, told), (packets, inside)) = (sync_channel(4_096), sync_channel(4_096));
        let events = Events::new(queue, packets, Arc::new(Wake::new().unwrap()));
        let (totals, waited) = (Totals::default(), Counter::default());
        Self { out: Outbox::default(), events, told, inside, totals, waited }
    }

    pub(super) fn bench<T>(&mut self, core: &Core, work: impl FnOnce(&mut Bench<'_>) -> T) -> T {
        let Self { out, events, totals, waited, .. } = self;
        work(&mut Bench { now: core.now(), out, events, totals, waited })
    }

    /// Take a batch.
    pub(super) fn receive(&mut self, core: &Core, batch: &mut [(Vec<u8>, Path)]) {
        let batch = batch.iter_mut().map(|(datagram, path)| (&mut datagram[..], *path));
        self.bench(core, |bench| core.ordered.receive(batch, bench)).unwrap();
    }

    /// Carry out what is ordered, and do what is due.
    pub(super) fn lead(&mut self, core: &Core, number: usize, threads: usize) {
        self.bench(core, |bench| core.ordered.current(bench)?.run_rounds(number, threads, bench)).unwrap();
    }

    pub(super) fn events(&self) -> Vec<Event> {
        let of_peer = |event| if let CoreEvent::OfPeer(event) = event { Some(event) } else { None };
        self.told.try_iter().filter_map(of_peer).collect()
    }

    /// Everything that is sent, but for answers to checks; what is asked is answered.
    pub(super) fn deliver(&mut self, core: &Core, mut take: impl FnMut(PeerId, Path, Vec<u8>)) {
        while !self.out.items().is_empty() {
            let items = self.out.sorted().to_vec();
            let sent = items.iter().map(|item| (item.peer, item.path, self.out.bytes(item).to_vec()));
            let sent: Vec<(PeerId, Path, Vec<u8>)> = sent.collect();
            self.out.clear();
            for (peer, path, datagram) in sent {
                match Message::parse(&datagram) {
                    None => take(peer, path, datagram),
                    Some(message) if message.is_answer => {}
                    Some(question) => {
                        let mut answer = Vec::new();
                        question.respond(path.remote, &integrity_key(REMOTE_PASSWORD), &mut answer);
                        self.receive(core, &mut [(answer, path)]);
                    }
                }
            }
        }
    }

    /// The same, to these.
    pub(super) fn deliver_to(&mut self, core: &Core, browsers: &mut [&mut Browser]) {
        self.deliver(core, |peer, path, datagram| {
            if let Some(browser) = browsers.iter_mut().find(|browser| browser.id == peer) {
                assert_eq!(browser.path, path);
                browser.take(&datagram);
            }
        });
    }

    /// Somebody is let in and shows their path.
    pub(super) fn join(&mut self, core: &Core, id: PeerId, payload_type: u8) -> Browser {
        let mut browser = core.admit(id, payload_type);
        self.receive(core, &mut [(core.check(id), browser.path)]);
        self.deliver_to(core, &mut [&mut browser]);
        browser.media.clear();
        browser.feedback.clear();
        browser
    }

    pub(super) fn send(&mut self, core: &Core, sender: &mut Browser, medium: Medium, timestamp: u32, payload: &[u8]) {
        let packet = sender.packet(medium, timestamp, payload);
        self.receive(core, &mut [(packet, sender.path)]);
    }
}

/// Sequence numbers of what a browser heard.
pub(super) fn heard(browser: &Browser, medium: Medium) -> Vec<u16> {
    let of = browser.media.iter().filter(|(header, _)| header.ssrc == browser.slot(medium));
    of.map(|(header, _)| header.sequence).collect()
}

/// Whether a datagram is a sealed packet of media.
pub(super) fn is_media(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(128..=191)) && !is_rtcp(datagram)
}
