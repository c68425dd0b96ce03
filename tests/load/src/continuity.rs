//! Whether the packets of one stream arrive once each, in order, without gaps.

use std::collections::BTreeMap;

/// How far behind the newest packet repetitions are noticed.
const WINDOW: u64 = 1_024;

/// What a packet's number tells.
#[derive(Debug, PartialEq)]
pub enum Arrival {
    /// The next one, or one behind a gap of this many.
    Newest {
        gap: u64,
    },
    /// One that was missing.
    Late,
    Duplicate,
}

/// Follows the numbers of one stream.
#[derive(Default)]
pub struct Continuity {
    first: Option<u64>,
    highest: u64,
    unique: u64,
    seen: [u64; (WINDOW / 64) as usize],
}

impl Continuity {
    /// Take a number.
    pub fn note(&mut self, number: u64) -> Arrival {
        let Some(first) = self.first else {
            *self = Self { first: Some(number), highest: number, unique: 1, ..Self::default() };
            self.mark(number);
            return Arrival::Newest { gap: 0 };
        };
        if number > self.highest {
            let gap = number - self.highest - 1;
            for skipped in self.highest + 1..=number.min(self.highest + WINDOW) {
                self.seen[(skipped % WINDOW / 64) as usize] &= !(1 << (skipped % 64));
            }
            self.highest = number;
            self.mark(number);
            self.unique += 1;
            return Arrival::Newest { gap };
        }
        if self.highest - number >= WINDOW || self.is_marked(number) {
            return Arrival::Duplicate;
        }
        self.mark(number);
        self.unique += 1;
        self.first = Some(first.min(number));
        Arrival::Late
    }

    /// The whole number of which a packet shows 16 bits.
    pub fn extend(&self, sequence: u16) -> u64 {
        match self.first {
            // Room below, for packets that overtook the first one.
            None => (1 << 16) + u64::from(sequence),
            Some(_) => {
                let distance = i64::from(sequence.wrapping_sub(self.highest as u16) as i16);
                self.highest.saturating_add_signed(distance)
            }
        }
    }

    /// The highest number so far.
    pub fn highest(&self) -> Option<u64> {
        self.first.map(|_| self.highest)
    }

    /// Numbers from the first to the highest.
    pub fn expected(&self) -> u64 {
        self.first.map_or(0, |first| self.highest - first + 1)
    }

    /// Those of them that never came.
    pub fn missing(&self) -> u64 {
        self.expected() - self.unique
    }

    fn mark(&mut self, number: u64) {
        self.seen[(number % WINDOW / 64) as usize] |= 1 << (number % 64);
    }

    fn is_marked(&self, number: u64) -> bool {
        self.seen[(number % WINDOW / 64) as usize] >> (number % 64) & 1 == 1
    }
}

/// Packets to ask for again, as browsers do: at once, and a few times more.
#[derive(Default)]
pub struct Wanted {
    packets: BTreeMap<u64, Request>,
}

struct Request {
    due: u64,
    asked: u32,
}

const REQUESTS: u32 = 10;
const MOST_WANTED: u64 = 500;

impl Wanted {
    /// Everything between `newest` and `gap` packets before it is missing.
    pub fn add(&mut self, newest: u64, gap: u64, now: u64) {
        for number in newest - gap.min(MOST_WANTED)..newest {
            self.packets.insert(number, Request { due: now, asked: 0 });
        }
    }

    /// This one came after all.
    pub fn remove(&mut self, number: u64) {
        self.packets.remove(&number);
    }

    /// Those to ask for now; each is asked for again after `interval`, until it is given up.
    pub fn due(&mut self, now: u64, interval: u64) -> Vec<u16> {
        self.packets.retain(|_, request| request.asked < REQUESTS);
        let due = self.packets.iter_mut().filter(|(_, request)| request.due <= now);
        due.map(|(number, request)| {
            (request.due, request.asked) = (now + interval, request.asked + 1);
            *number as u16
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_gaps_repetitions_and_late_ones_apart() {
        let mut stream = Continuity::default();
        assert_eq!(stream.note(10), Arrival::Newest { gap: 0 });
        assert_eq!(stream.note(13), Arrival::Newest { gap: 2 });
        assert_eq!(stream.note(12), Arrival::Late);
        assert_eq!(stream.note(12), Arrival::Duplicate);
        assert_eq!(stream.note(13), Arrival::Duplicate);
        assert_eq!((stream.expected(), stream.missing()), (4, 1));
    }

    #[test]
    fn a_number_is_new_again_after_the_window_went_around() {
        let mut stream = Continuity::default();
        stream.note(5);
        stream.note(5 + WINDOW);
        assert_eq!(stream.note(6 + WINDOW), Arrival::Newest { gap: 0 });
        assert_eq!(stream.note(7), Arrival::Late);
        assert_eq!(stream.note(5), Arrival::Duplicate);
    }

    #[test]
    fn sequence_numbers_continue_across_their_wrap() {
        let mut stream = Continuity::default();
        for sequence in [65_534_u16, 65_535, 0, 1] {
            let number = stream.extend(sequence);
            assert_eq!(stream.note(number), Arrival::Newest { gap: 0 });
        }
        assert_eq!(stream.note(stream.extend(65_535)), Arrival::Duplicate);
    }

    #[test]
    fn a_missing_packet_is_asked_for_until_it_comes() {
        let mut wanted = Wanted::default();
        wanted.add(20, 2, 0);
        assert_eq!(wanted.due(0, 100), [18, 19]);
        assert!(wanted.due(50, 100).is_empty());
        wanted.remove(18);
        assert_eq!(wanted.due(100, 100), [19]);
    }
}
