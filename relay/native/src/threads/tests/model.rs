//! What threads cost each other in the exchange, without sockets:
//! `cargo test --release --lib model -- --ignored --nocapture`.
//!
//! It shows what more threads than cores can show: CPU per packet as shards and caches are shared, and how long threads
//! wait for shards. A thread that loses its core while it holds one makes others wait, which no machine with a core for
//! each has.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::world::{Core, Thread};
use crate::exchange::tests::world::Browser;
use crate::ids::{Medium, PeerId};
use crate::path::Path;

const EACH: usize = 16;
const PACKETS: usize = 2;
const BETWEEN: u64 = 40;
const LASTS: Duration = Duration::from_secs(2);

#[derive(Default)]
struct Figures {
    packets: u64,
    cpu: Duration,
    inside: Duration,
    waited: Duration,
}

fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is written to and outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn talk(core: &Core, (number, threads): (usize, usize), own: &mut [Browser], over: &AtomicBool) -> Figures {
    let (mut thread, mut figures, mut time) = (Thread::new(), Figures::default(), 0);
    while !over.load(Ordering::Relaxed) {
        time += 960;
        let mut batch: Vec<(Vec<u8>, Path)> = Vec::new();
        for browser in own.iter_mut() {
            batch.extend((0..PACKETS).map(|_| (browser.packet(Medium::Microphone, time, &[7; 1_000]), browser.path)));
        }
        // When each thread has had a batch, somebody who speaks has sent two packets in so many milliseconds.
        core.pass(BETWEEN / threads as u64);
        let (begun, cpu) = (Instant::now(), cpu_time());
        thread.receive(core, &mut batch);
        thread.lead(core, number, threads);
        figures.cpu += cpu_time() - cpu;
        figures.inside += begun.elapsed();
        figures.packets += batch.len() as u64;
        thread.deliver(core, |_, _, _| {});
    }
    figures.waited = Duration::from_nanos(thread.waited.get());
    figures
}

#[test]
#[ignore = "it prints figures"]
fn model() {
    for threads in [1, 2, 4, 8] {
        let (core, mut lead) = (Core::new(threads), Thread::new());
        let people = (EACH * threads) as PeerId;
        let mut browsers: Vec<Browser> = (1..=people).map(|id| lead.join(&core, id, 40)).collect();
        for id in 1..=people {
            // Partners come to different threads, as sockets have it.
            let partner = (id - 1 + people / 2) % people + 1;
            core.show(id, Some(partner));
        }
        lead.lead(&core, 0, threads);
        let over = AtomicBool::new(false);
        let all: Vec<Figures> = std::thread::scope(|scope| {
            let own = browsers.chunks_mut(EACH).enumerate();
            let started: Vec<_> = own
                .map(|(at, own)| {
                    scope.spawn({
                        let (core, over) = (&core, &over);
                        move || talk(core, (at, threads), own, over)
                    })
                })
                .collect();
            std::thread::sleep(LASTS);
            over.store(true, Ordering::Relaxed);
            started.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let packets: u64 = all.iter().map(|one| one.packets).sum();
        let sum = |of: fn(&Figures) -> Duration| all.iter().map(of).sum::<Duration>().as_secs_f64();
        println!(
            "{threads} threads: {:.2} us of CPU per packet, {:.3} % of the time in the exchange waited for shards; {:?}",
            1e6 * sum(|one| one.cpu) / packets as f64,
            100.0 * sum(|one| one.waited) / sum(|one| one.inside),
            core.dropped(),
        );
    }
}
