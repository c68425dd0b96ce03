//! Timestamps of a slot: one line that goes on by the relay's clock, no matter who is shown.
//!
//! A receiver learns from reports how the slot's timestamps and the relay's clock belong together, averages over
//! many, and keeps sound and picture together by that. So the line is tied to the clock for good, and each source
//! is laid onto it. Going on from wherever the last source happened to stop would add up how late each source's
//! first frame came: receivers then play everything later and later.

use crate::time::Time;

/// Of a second that reports may move away from the clock at a time, towards what the sender says.
const GLIDE: u32 = 100;

/// Of a second that a source may be late, or its reports off: beyond that they mean something else.
const BELIEVED: u32 = 4;

/// Seconds by which a source's timestamps may move otherwise than the clock. What leaps further begins anew.
const LONGEST_LEAP: u32 = 10;

/// One continuous line of 32-bit RTP timestamps.
#[derive(Debug)]
pub struct Timeline {
    rate: u32,
    /// Where the line stood at some moment, and by how much it is ahead of the clock since.
    origin: Option<Time>,
    start: u32,
    lead: i32,
    /// From the source's timestamps to the line's.
    offset: u32,
    /// Of the latest frame, and when its first packet passed.
    last: u32,
    last_at: Option<Time>,
}

impl Timeline {
    /// A line that begins at `start`, in units of `rate` per second.
    pub fn new(rate: u32, start: u32) -> Self {
        Self { rate, origin: None, start, lead: 0, offset: 0, last: start, last_at: None }
    }

    /// The next packet is of another source, has this timestamp, and comes late by `delay` units, if that is known.
    /// It stands where it would if it had come in time: what follows then comes when it is expected.
    pub fn cut(&mut self, timestamp: u32, delay: Option<i32>, now: Time) {
        self.origin.get_or_insert(now);
        self.follow(now);
        self.glide(0);
        let delay = delay.filter(|delay| self.is_near(*delay as u32)).unwrap_or(0);
        let mut next = self.at(now).wrapping_sub(delay as u32);
        if self.last_at.is_some() && (next.wrapping_sub(self.last) as i32) <= 0 {
            // What stands still or goes back is dropped as late.
            next = self.last.wrapping_add(1);
        }
        self.offset = next.wrapping_sub(timestamp);
    }

    /// Whether the source can't be followed there: the receiver would wait for what never comes.
    pub fn leaps(&self, timestamp: u32, now: Time) -> bool {
        let Some(last_at) = self.last_at else { return false };
        let moved = i64::from(timestamp.wrapping_add(self.offset).wrapping_sub(self.last) as i32);
        let (elapsed, most) = (now.units_since(last_at, self.rate) as i64, i64::from(LONGEST_LEAP * self.rate));
        moved < -most || moved > elapsed + most
    }

    /// The line's timestamp for one of the current source.
    pub fn place(&mut self, timestamp: u32, now: Time) -> u32 {
        let placed = timestamp.wrapping_add(self.offset);
        let ahead = placed.wrapping_sub(self.last);
        if self.last_at.is_none() || (ahead > 0 && ahead < 1 << 31) {
            self.last = placed;
            self.last_at = Some(now);
        }
        placed
    }

    /// Where the line stands now, for a report, if it began. `source` is where the source itself stands, by its own
    /// reports: the line glides there, which puts sound and picture together exactly. Without it, or when it can't
    /// be (sound that paused goes on from where it stopped, and reports of before the pause are void), what arrived
    /// last has to do.
    pub fn report(&mut self, source: Option<u32>, now: Time) -> Option<u32> {
        let arrived = self.follow(now)?;
        let said = source.map(|timestamp| timestamp.wrapping_add(self.offset));
        let believed = said.filter(|said| self.is_near(said.wrapping_sub(arrived)));
        let clock = self.at(now).wrapping_sub(self.lead as u32);
        self.glide(believed.unwrap_or(arrived).wrapping_sub(clock) as i32);
        Some(self.at(now))
    }

    /// Where the line stands now by what arrived last. A source whose timestamps jump takes the line along.
    fn follow(&mut self, now: Time) -> Option<u32> {
        let arrived = self.last.wrapping_add(now.units_since(self.last_at?, self.rate) as u32);
        let ahead = arrived.wrapping_sub(self.at(now));
        if !self.is_near(ahead) {
            self.start = self.start.wrapping_add(ahead);
        }
        Some(arrived)
    }

    fn is_near(&self, difference: u32) -> bool {
        (difference as i32).unsigned_abs() <= self.rate / BELIEVED
    }

    fn at(&self, now: Time) -> u32 {
        let elapsed = self.origin.map_or(0, |origin| now.units_since(origin, self.rate));
        self.start.wrapping_add(elapsed as u32).wrapping_add(self.lead as u32)
    }

    /// One step towards this lead.
    fn glide(&mut self, lead: i32) {
        let step = (self.rate / GLIDE) as i32;
        self.lead = lead.clamp(self.lead.saturating_sub(step), self.lead.saturating_add(step));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const RATE: u32 = 90_000;

    #[test]
    fn a_source_is_followed_and_a_switch_costs_what_really_passed() {
        let mut line = Timeline::new(RATE, 10);
        line.cut(5_000, None, Time::from_millis(0));
        let first = line.place(5_000, Time::from_millis(0));
        assert_eq!(line.place(8_000, Time::from_millis(33)), first + 3_000);
        line.cut(4_000_000_000, None, Time::from_millis(140));
        assert_eq!(line.place(4_000_000_000, Time::from_millis(140)), first + 140 * 90);
    }

    #[test]
    fn later_packets_of_a_frame_do_not_move_its_time() {
        let mut line = Timeline::new(RATE, 0);
        line.cut(0, None, Time::from_millis(0));
        let first = line.place(0, Time::from_millis(0));
        line.place(0, Time::from_millis(30));
        line.cut(7, None, Time::from_millis(100));
        assert_eq!(line.place(7, Time::from_millis(100)), first + 9_000);
    }

    /// 200 sources whose first frames come up to 60 ms late, as encoders start and keyframes are large, and all that
    /// follows in time. Gives within how many units of the clock what follows stays.
    fn spread(known: bool) -> i64 {
        let mut line = Timeline::new(RATE, 77);
        let mut ahead = Vec::new();
        for source in 0..200 {
            let timestamp = (source as u32).wrapping_mul(1_000_000_007);
            let late = source % 7 * 10;
            for frame in 0..10 {
                let now = Time::from_millis(source * 400 + frame * 33 + if frame == 0 { late } else { 0 });
                let sent = timestamp.wrapping_add(frame as u32 * 33 * 90);
                if frame == 0 {
                    line.cut(sent, known.then_some(late as i32 * 90), now);
                }
                let placed = line.place(sent, now);
                if frame > 0 {
                    ahead.push(i64::from(placed) - now.units_since(Time::default(), RATE) as i64);
                }
            }
        }
        ahead.iter().max().unwrap() - ahead.iter().min().unwrap()
    }

    #[test]
    fn how_late_first_frames_come_does_not_add_up() {
        assert_eq!(spread(false), 60 * 90);
    }

    #[test]
    fn a_first_frame_that_is_known_to_be_late_moves_nothing() {
        assert_eq!(spread(true), 0);
    }

    #[test]
    fn a_source_never_begins_at_or_before_what_was_shown_last() {
        for (shown, delay) in [(3_000, None), (2_970, None), (2_970, Some(900))] {
            let mut line = Timeline::new(RATE, 0);
            line.cut(0, None, Time::from_millis(0));
            let last = line.place(shown, Time::from_millis(33));
            line.cut(77, delay, Time::from_millis(33));
            assert_eq!(line.place(77, Time::from_millis(33)), last + 1, "who stands still is dropped as late");
        }
    }

    #[test]
    fn a_frame_that_was_overtaken_keeps_its_time_and_does_not_take_the_line_back() {
        let mut line = Timeline::new(RATE, 0);
        line.cut(0, None, Time::from_millis(0));
        let first = line.place(0, Time::from_millis(0));
        line.place(6_000, Time::from_millis(66));
        assert_eq!(line.place(3_000, Time::from_millis(66)), first + 3_000);
        line.cut(77, None, Time::from_millis(66));
        assert_eq!(line.place(77, Time::from_millis(66)), first + 6_001);
    }

    #[test]
    fn reports_of_before_a_pause_are_not_believed() {
        let mut line = Timeline::new(48_000, 0);
        line.cut(1_000, None, Time::from_millis(0));
        line.place(1_000, Time::from_millis(0));
        let stale = 1_000 + 48_000 * 3;
        assert_eq!(line.report(Some(stale), Time::from_millis(0)), Some(0));
        // What differs little is approached, ten milliseconds at a time.
        assert_eq!(line.report(Some(1_000 + 960), Time::from_millis(0)), Some(480));
        assert_eq!(line.report(Some(1_000 + 960), Time::from_millis(0)), Some(960));
    }

    #[test]
    fn a_source_that_jumps_takes_the_line_along_and_the_next_one_goes_on_from_there() {
        let mut line = Timeline::new(RATE, 0);
        line.cut(0, None, Time::from_millis(0));
        line.place(0, Time::from_millis(0));
        let jumped = line.place(1 << 30, Time::from_millis(50));
        assert_eq!(line.report(None, Time::from_millis(60)), Some(jumped + 900));
        line.cut(5, None, Time::from_millis(100));
        assert_eq!(line.place(5, Time::from_millis(100)), jumped + 4_500);
    }

    #[test]
    fn only_what_no_pause_explains_is_a_leap() {
        let mut line = Timeline::new(RATE, 0);
        line.cut(0, None, Time::from_millis(0));
        line.place(0, Time::from_millis(0));
        let after = |seconds: u32| Time::from_millis(1_000 * u64::from(seconds));
        assert!(!line.leaps(3_000, after(60)) && !line.leaps(60 * RATE, after(60)));
        assert!(!line.leaps(9 * RATE, after(0)) && line.leaps(11 * RATE, after(0)));
        assert!(line.leaps(0_u32.wrapping_sub(11 * RATE), after(60)) && line.leaps(1 << 31, after(60)));
    }

    proptest! {
        /// Sources with any timestamps and reports, one after another, each sending for a while: the line only goes
        /// forward, and away from the clock by no more than is believed of one source.
        #[test]
        fn the_line_only_moves_forward_and_stays_with_the_clock(
            start: u32,
            sources in prop::collection::vec((any::<u32>(), 0_u64..5_000, 1_u32..50, any::<Option<i32>>()), 1..60)
        ) {
            let mut line = Timeline::new(RATE, start);
            let (mut now, mut last, mut first) = (Time::default(), None, None);
            for (timestamp, silence, frames, delay) in sources {
                now = now.plus_millis(silence);
                line.cut(timestamp, delay, now);
                for frame in 0..frames {
                    let placed = line.place(timestamp.wrapping_add(frame * 33 * 90), now);
                    if let Some(before) = last.replace(placed) {
                        prop_assert!((placed.wrapping_sub(before) as i32) > 0);
                    }
                    let (origin, at) = *first.get_or_insert((placed, now));
                    let passed = now.units_since(at, RATE) as i64;
                    let ahead = i64::from(placed.wrapping_sub(origin) as i32) - passed;
                    prop_assert!(ahead.unsigned_abs() <= 2 * u64::from(RATE / BELIEVED), "{ahead}");
                    now = now.plus_millis(33);
                }
            }
        }
    }
}
