//! What a sender's reports tell of its clocks, so that its sound and picture stay together.
//!
//! A sender's NTP time is never passed on: it may be wrong by any amount. It is translated to the relay's by one
//! offset for the whole peer, so that two lines which were captured together stay together.

use crate::time::{NtpClock, Time};
use crate::wire::rtcp::Anchor;

/// Most that the offset may grow with one report, in NTP units: half a millisecond, enough for clocks
/// that drift apart and too little for a report that was held up on its way.
const GROWTH: i64 = (1 << 32) / 2_000;

/// A difference above which the sender must have set its clock: a second.
const JUMP: i64 = 1 << 32;

/// The offset between the relay's clock and one sender's, including the fastest transit from there to here.
#[derive(Debug, Default)]
pub struct SenderClock {
    offset: Option<i64>,
}

impl SenderClock {
    /// A report from any line of the sender came.
    pub fn note_report(&mut self, anchor: Anchor, ntp: &NtpClock, now: Time) {
        let offset_now = ntp.timestamp(now).wrapping_sub(anchor.ntp) as i64;
        self.offset = Some(match self.offset {
            Some(offset) if offset_now.wrapping_sub(offset).unsigned_abs() > JUMP as u64 => offset_now,
            Some(offset) => offset_now.min(offset.wrapping_add(GROWTH)),
            None => offset_now,
        });
    }

    /// A line's RTP timestamp at a moment of the relay's clock, by the latest report on it.
    pub fn position(&self, anchor: Anchor, rate: u32, ntp: &NtpClock, now: Time) -> Option<u32> {
        let offset = self.offset?;
        let elapsed = ntp.timestamp(now).wrapping_sub(offset as u64).wrapping_sub(anchor.ntp) as i64;
        let units = (i128::from(elapsed) * i128::from(rate)) >> 32;
        Some(anchor.rtp.wrapping_add(units as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1 << 32;

    #[test]
    fn lines_captured_together_stay_together_though_the_sender_s_clock_is_wrong() {
        let ntp = NtpClock::new(0, Time::default());
        let wrong = ntp.timestamp(Time::default()).wrapping_sub(37 * SECOND);
        let (mut clock, sent) = (SenderClock::default(), |millis: u64| wrong + millis * SECOND / 1_000);
        let audio = Anchor { ntp: sent(0), rtp: 48_000 };
        let video = Anchor { ntp: sent(500), rtp: 90_000 };
        clock.note_report(audio, &ntp, Time::from_millis(40));
        clock.note_report(video, &ntp, Time::from_millis(590));
        let now = Time::from_millis(1_040);
        let sound = clock.position(audio, 48_000, &ntp, now);
        let picture = clock.position(video, 90_000, &ntp, now);
        // One second after the audio anchor, half a second after the video anchor; half a millisecond for drift.
        assert!(sound.is_some_and(|rtp| rtp.abs_diff(96_000) <= 24), "{sound:?}");
        assert!(picture.is_some_and(|rtp| rtp.abs_diff(135_000) <= 45), "{picture:?}");
    }

    #[test]
    fn a_clock_that_was_set_is_followed_at_once() {
        let ntp = NtpClock::new(0, Time::default());
        let mut clock = SenderClock::default();
        clock.note_report(Anchor { ntp: 0, rtp: 0 }, &ntp, Time::default());
        let anchor = Anchor { ntp: 100 * SECOND, rtp: 7 };
        clock.note_report(anchor, &ntp, Time::from_millis(10));
        assert_eq!(clock.position(anchor, 90_000, &ntp, Time::from_millis(10)), Some(7));
    }

    #[test]
    fn a_report_that_was_held_up_moves_the_clock_by_half_a_millisecond_and_one_in_time_at_once() {
        let ntp = NtpClock::new(0, Time::default());
        let mut clock = SenderClock::default();
        // Sent each second by a clock like ours; where the line stands 60 ms after a transit of 40.
        let stands = [(0, 40), (1_000, 1_240), (2_000, 2_240), (3_000, 3_040)].map(|(sent, came)| {
            let anchor = Anchor { ntp: ntp.timestamp(Time::from_millis(sent)), rtp: 0 };
            clock.note_report(anchor, &ntp, Time::from_millis(came));
            clock.position(anchor, 2_000, &ntp, Time::from_millis(sent + 100))
        });
        assert_eq!(stands, [Some(120), Some(119), Some(118), Some(120)]);
    }

    #[test]
    fn nothing_is_known_before_a_report() {
        let ntp = NtpClock::new(0, Time::default());
        assert_eq!(SenderClock::default().position(Anchor { ntp: 0, rtp: 0 }, 90_000, &ntp, Time::default()), None);
    }
}
