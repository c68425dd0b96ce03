//! Many real threads on the real shards, while people part and meet all the time.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier, Mutex};
use std::time::{Duration, Instant};

use super::world::{Core, Thread, heard, is_media};
use crate::counters::Reason;
use crate::exchange::tests::world::Browser;
use crate::ids::{Medium, PeerId};
use crate::path::Path;
use crate::threads::shards::Broken;

const THREADS: usize = 8;
const EACH: usize = 6;
const PEOPLE: usize = THREADS * EACH;

/// How long it goes on; and after which something waits for itself.
const LASTS: Duration = Duration::from_millis(1_500);
const TIMEOUT: Duration = Duration::from_secs(60);

/// What was sent to each peer, and by whom it is to be opened.
type Inboxes = Mutex<HashMap<PeerId, Vec<Vec<u8>>>>;

/// Send what a thread's browsers say in batches until it is over, and run its rounds. Gives how many packets that were.
fn talk(
    core: &Core,
    number: usize,
    mut own: Vec<Browser>,
    inboxes: &Inboxes,
    over: &AtomicBool,
) -> (u64, Vec<Browser>) {
    let (mut thread, mut sent, mut time) = (Thread::new(), 0, 0);
    while !over.load(Ordering::SeqCst) {
        let mut batch: Vec<(Vec<u8>, Path)> = Vec::new();
        for browser in &mut own {
            for _ in 0..4 {
                time += 960;
                batch.push((browser.packet(Medium::Microphone, time, b"sound"), browser.path));
                sent += 1;
            }
        }
        if time % 7 == 0 {
            batch.push((core.check(own[0].id), own[0].path));
        }
        thread.receive(core, &mut batch);
        thread.lead(core, number, THREADS);
        // A person says no more than fifty packets a second.
        core.pass(10);
        let mut inboxes = inboxes.lock().unwrap();
        thread.deliver(core, |peer, _, datagram| inboxes.entry(peer).or_default().push(datagram));
    }
    (sent, own)
}

/// In the order in which they were sealed: a thread that loses its core holds up what it has for longer than a replay
/// window lasts, at a rate that no person has.
fn as_sealed(datagrams: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut newest = None;
    let mut numbered: Vec<(i64, Vec<u8>)> = Vec::new();
    for datagram in datagrams {
        if is_media(&datagram) {
            let sequence = u16::from_be_bytes([datagram[2], datagram[3]]);
            let last = newest.unwrap_or(i64::from(sequence));
            let index = last + i64::from(sequence.wrapping_sub(last as u16) as i16);
            newest = Some(index.max(last));
            numbered.push((index, datagram));
        } else {
            // RTCP counts by itself, and stays where it is.
            numbered.push((newest.unwrap_or(i64::MIN), datagram));
        }
    }
    numbered.sort_by_key(|(index, _)| *index);
    numbered.into_iter().map(|(_, datagram)| datagram).collect()
}

#[test]
fn who_parts_and_meets_all_the_time_loses_nothing_and_hears_nothing_twice() {
    let (core, mut lead) = (Arc::new(Core::new(THREADS)), Thread::new());
    let mut browsers: Vec<Browser> = (1..=PEOPLE as u64).map(|id| lead.join(&core, id, 40)).collect();
    let (inboxes, over) = (Arc::new(Inboxes::default()), Arc::new(AtomicBool::new(false)));
    let (done, ended) = channel();
    for number in 0..THREADS {
        let own = browsers.split_off(browsers.len() - EACH);
        let (core, inboxes, over, done) = (Arc::clone(&core), Arc::clone(&inboxes), Arc::clone(&over), done.clone());
        std::thread::spawn(move || done.send(talk(&core, number, own, &inboxes, &over)));
    }
    // Each meets somebody else every time: of rounds in which everybody has a partner.
    let (begun, mut meetings) = (Instant::now(), 0);
    let mut partner_of = vec![None; PEOPLE];
    while begun.elapsed() < LASTS || meetings < 20 {
        meetings += 1;
        for (one, partner) in partner_of.iter_mut().enumerate() {
            if let Some(before) = partner.take() {
                core.show(before as PeerId + 1, None);
                core.show(one as PeerId + 1, None);
            }
        }
        for (one, partner) in partner_of.iter_mut().enumerate() {
            let other = (7 * meetings + PEOPLE - one) % PEOPLE;
            if one < other {
                core.show(one as PeerId + 1, Some(other as PeerId + 1));
                core.show(other as PeerId + 1, Some(one as PeerId + 1));
                *partner = Some(other);
            }
        }
        while core.ordered.backlog() > 500 {
            assert!(begun.elapsed() < TIMEOUT, "nobody carries out orders");
            std::thread::sleep(Duration::from_micros(200));
        }
    }
    over.store(true, Ordering::SeqCst);
    let (mut sent, mut everybody) = (0, Vec::new());
    for _ in 0..THREADS {
        // If a thread waits for ever.
        let (said, own) = ended.recv_timeout(TIMEOUT).unwrap();
        sent += said;
        everybody.extend(own);
    }
    let mut inboxes = inboxes.lock().unwrap();
    let mut got = 0;
    for browser in &mut everybody {
        // Whatever was sealed twice, or with the keys of somebody else, can't be opened.
        for datagram in as_sealed(inboxes.remove(&browser.id).unwrap_or_default()) {
            got += u64::from(is_media(&datagram));
            browser.take(&datagram);
        }
        let mut all = heard(browser, Medium::Microphone);
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count, "{} heard something twice", browser.id);
    }
    let totals = core.totals();
    let unrouted = totals.drops.get(Reason::NotRouted);
    assert_eq!((got + unrouted, totals.received.packets.get()), (sent, sent), "{:?}", core.dropped());
    // What is asked twice is answered twice.
    let known = [Reason::NotRouted, Reason::StunUnasked];
    assert!(core.dropped().iter().all(|(reason, _)| known.contains(reason)), "{:?}", core.dropped());
    assert!(got > sent / 4 && meetings >= 20, "{got} of {sent} in {meetings}");
    let shards = core.ordered.as_they_stand();
    assert_eq!(shards.directory_size(), (PEOPLE, PEOPLE));
    let population = |place| {
        lead.bench(&core, |bench| {
            shards.with(place, bench, |exchange, _| (1..=PEOPLE as u64).filter(|id| exchange.knows(*id)).count())
        })
    };
    assert_eq!(shards.places().map(population).sum::<Result<usize, Broken>>(), Ok(PEOPLE));
}

#[test]
fn two_shards_are_taken_by_number_whichever_is_named_first() {
    const HELD: Duration = Duration::from_millis(100);
    let (core, mut lead) = (Arc::new(Core::new(2)), Thread::new());
    let paths = [1, 2].map(|id| lead.join(&core, id, 96).path);
    for (id, path) in [(1, paths[1]), (2, paths[0])] {
        let (core, (done, ended)) = (Arc::clone(&core), channel());
        std::thread::spawn(move || {
            let shards = core.ordered.as_they_stand();
            Thread::new().bench(&core, |bench| {
                shards.with(0, bench, |_, _| {
                    // It takes both.
                    let theirs = Arc::clone(&core);
                    std::thread::spawn(move || Thread::new().receive(&theirs, &mut [(theirs.check(id), path)]));
                    std::thread::sleep(HELD);
                    // Whoever waits for the first has not taken the second.
                    Thread::new().bench(&core, |bench| shards.with(1, bench, |_, _| ()))
                })
            })??;
            done.send(()).map_err(|_| Broken)
        });
        ended.recv_timeout(TIMEOUT).unwrap();
    }
}

#[test]
fn what_threads_wait_for_each_other_is_measured() {
    const HELD: Duration = Duration::from_millis(200);
    let (core, mut lead) = (Core::new(2), Thread::new());
    let ann = lead.join(&core, 1, 96);
    let mut other = Thread::new();
    let is_held = Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let shards = core.ordered.as_they_stand();
            lead.bench(&core, |bench| {
                shards.with(0, bench, |_, _| {
                    is_held.wait();
                    std::thread::sleep(HELD);
                })
            })
        });
        is_held.wait();
        other.receive(&core, &mut [(vec![0x80, 0], ann.path)]);
    });
    assert_eq!(lead.waited.get(), 0, "what is free is not timed");
    assert!((1..TIMEOUT.as_nanos() as u64).contains(&other.waited.get()), "{} ns", other.waited.get());
}

#[test]
fn an_order_is_carried_out_before_what_arrives_after_it_on_whatever_thread() {
    const ROUNDS: u64 = 2_000;
    let (core, mut lead) = (Arc::new(Core::new(2)), Thread::new());
    let mut ann = lead.join(&core, 1, 96);
    lead.join(&core, 2, 40);
    let turn = AtomicU64::new(0);
    std::thread::scope(|scope| {
        // One thread carries orders out all the time; the other gets what arrives after them.
        let other = scope.spawn(|| {
            let mut thread = Thread::new();
            while turn.load(Ordering::SeqCst) < ROUNDS {
                thread.lead(&core, 1, 2);
                thread.out.clear();
            }
        });
        for round in 0..ROUNDS {
            let shown = round % 2 == 0;
            core.show(2, shown.then_some(1));
            let before = core.totals().drops.get(Reason::NotRouted);
            core.pass(10);
            lead.send(&core, &mut ann, Medium::Microphone, 960 * round as u32, b"sound");
            lead.out.clear();
            assert_eq!(core.totals().drops.get(Reason::NotRouted) == before, shown, "in round {round}");
            turn.store(round + 1, Ordering::SeqCst);
        }
        other.join().unwrap();
    });
}
