//! Timestamps of a slot: they follow the source, and go on by the wall clock when it changes.

use crate::time::Time;

/// One continuous line of 32-bit RTP timestamps.
#[derive(Debug)]
pub struct Timeline {
    rate: u32,
    offset: u32,
    last: u32,
    /// When the first packet of the latest frame passed.
    last_at: Option<Time>,
}

impl Timeline {
    /// A line that begins at `start`, in units of `rate` per second.
    pub fn new(rate: u32, start: u32) -> Self {
        Self { rate, offset: 0, last: start, last_at: None }
    }

    /// The next packet is of another source and has this timestamp. A line that jumps ahead stalls the
    /// receiver's playout and one that stands still or goes back is dropped as late: so go on by what
    /// really passed since the last frame.
    pub fn cut(&mut self, timestamp: u32, now: Time) {
        let elapsed = self.last_at.map_or(0, |last| now.units_since(last, self.rate));
        let next = self.last.wrapping_add(elapsed.max(1) as u32);
        self.offset = next.wrapping_sub(timestamp);
    }

    /// The slot's timestamp for one of the current source.
    pub fn place(&mut self, timestamp: u32, now: Time) -> u32 {
        let placed = timestamp.wrapping_add(self.offset);
        let ahead = placed.wrapping_sub(self.last);
        if self.last_at.is_none() || (ahead > 0 && ahead < 1 << 31) {
            self.last = placed;
            self.last_at = Some(now);
        }
        placed
    }

    /// The slot's timestamp for one of the current source, without moving on.
    pub fn translate(&self, timestamp: u32) -> u32 {
        timestamp.wrapping_add(self.offset)
    }

    /// Units per second.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Where the line stands now, if it began.
    pub fn at(&self, now: Time) -> Option<u32> {
        self.last_at.map(|last| self.last.wrapping_add(now.units_since(last, self.rate) as u32))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_source_is_followed_and_a_switch_costs_what_really_passed() {
        let mut line = Timeline::new(90_000, 10);
        line.cut(5_000, Time::from_millis(0));
        let first = line.place(5_000, Time::from_millis(0));
        assert_eq!(line.place(8_000, Time::from_millis(40)), first + 3_000);
        line.cut(4_000_000_000, Time::from_millis(140));
        assert_eq!(line.place(4_000_000_000, Time::from_millis(140)), first + 3_000 + 9_000);
    }

    #[test]
    fn later_packets_of_a_frame_do_not_move_its_time() {
        let mut line = Timeline::new(90_000, 0);
        line.cut(0, Time::from_millis(0));
        let first = line.place(0, Time::from_millis(0));
        line.place(0, Time::from_millis(30));
        line.cut(7, Time::from_millis(100));
        assert_eq!(line.place(7, Time::from_millis(100)), first + 9_000);
    }

    proptest! {
        /// Sources with any timestamps, one after another, each sending for a while: the line only goes
        /// forward, and never away from the wall clock by more than the sources themselves did.
        #[test]
        fn the_line_only_moves_forward(
            start: u32, sources in prop::collection::vec((any::<u32>(), 0_u64..5_000, 1_u32..50), 1..60)
        ) {
            let mut line = Timeline::new(90_000, start);
            let (mut now, mut last) = (Time::from_millis(0), None);
            for (timestamp, silence, frames) in sources {
                now = now.plus_millis(silence);
                line.cut(timestamp, now);
                for frame in 0..frames {
                    let placed = line.place(timestamp.wrapping_add(frame * 3_000), now);
                    if let Some((before, at)) = last {
                        let step = placed.wrapping_sub(before);
                        prop_assert!(step >= 1 && u64::from(step) <= now.units_since(at, 90_000) + 3_000);
                    }
                    last = Some((placed, now));
                    now = now.plus_millis(33);
                }
            }
        }
    }
}
