//! Two people who talk, for `make guard`: it counts the instructions of [`step`] by callgrind (`tests/bench/guard`).

use std::hint::black_box;

use super::world::{Browser, World, delta, keyframe};
use crate::ids::Medium;
use crate::path::Path;

const MILLIS: u32 = 4_000;

/// Milliseconds between two packets of sound, and between two pictures.
const SOUND: u32 = 20;
const PICTURE: u32 = 33;

/// Of a picture: at 1 Mbit/s.
const PACKETS: u16 = 4;

/// What a media thread has the exchange do with one batch. Nothing else is counted.
#[inline(never)]
fn step(world: &mut World, batch: &mut [(Path, Vec<u8>)]) {
    world.exchange.run_rounds(world.now, &mut world.out);
    for (path, datagram) in batch {
        world.exchange.receive(datagram, *path, world.now, &mut world.out);
    }
    black_box(world.out.sorted());
}

/// One of a browser's streams, with sequence numbers of its own.
struct Stream {
    medium: Medium,
    next: u64,
}

impl Stream {
    fn write(&mut self, browser: &mut Browser, timestamp: u32, begin: &[u8], length: usize) -> (Path, Vec<u8>) {
        let mut payload = begin.to_vec();
        payload.resize(length, 0xcc);
        browser.index = self.next;
        self.next += 1;
        (browser.path, browser.packet(self.medium, timestamp, &payload))
    }
}

#[test]
fn all_that_is_counted_reaches_the_other() {
    let mut world = World::new();
    let mut people = [world.join(1, 96), world.join(2, 40)];
    let [ann, bob] = &people;
    world.show(ann, Some(bob));
    world.show(bob, Some(ann));
    let mut sound = [0, 1].map(|_| Stream { medium: Medium::Microphone, next: 60_000 });
    let mut picture = [0, 1].map(|_| Stream { medium: Medium::Camera, next: 60_000 });
    let mut sent = 0;
    for milli in 0..MILLIS {
        let mut batch = Vec::new();
        for (at, browser) in people.iter_mut().enumerate() {
            if milli % SOUND == 0 {
                batch.push(sound[at].write(browser, 48 * milli, &[], 100));
            }
            if milli % PICTURE == 0 {
                let id = (milli / PICTURE) as u16;
                for number in 0..PACKETS {
                    let begin = if id == 0 && number == 0 { keyframe(id) } else { delta(id) };
                    batch.push(picture[at].write(browser, 90 * milli, &begin, 1_000));
                }
            }
        }
        sent += batch.len();
        step(&mut world, &mut batch);
        let [ann, bob] = &mut people;
        world.deliver(&mut [ann, bob]);
        world.now = world.now.plus_millis(1);
    }
    assert_eq!(people.iter().map(|browser| browser.media.len()).sum::<usize>(), sent);
    println!("{sent} packets were forwarded");
}
