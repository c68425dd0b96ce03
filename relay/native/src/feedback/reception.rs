//! Loss and jitter of one stream (RFC 3550 section 6.4.1 and appendix A).

use crate::time::Time;
use crate::wire::rtcp::Anchor;
use crate::wire::rtcp::ReportBlock;

/// Of a second that packets may be held up on their way before their sender is taken to have paused.
const STANDSTILL: u32 = 20;

/// What receiver reports say of one stream.
#[derive(Debug)]
pub struct Reception {
    /// Timestamp units per second.
    pub rate: u32,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// At the previous report: expected and received.
    before: (u64, u64),
    /// Latest transit time in timestamp units, and jitter in sixteenths of them.
    transit: Option<i64>,
    jitter: u64,
    /// Transit time of the newest packet, and the shortest since the latest sender report.
    newest: Option<i64>,
    shortest: Option<i64>,
    /// Average loss in sixteenths of a 256th, over about eight reports.
    pub loss: u32,
    /// The latest sender report, and when it came.
    report: Option<(Anchor, Time)>,
}

impl Reception {
    /// Of a stream with this clock rate.
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            first: None,
            highest: 0,
            received: 0,
            before: (0, 0),
            transit: None,
            jitter: 0,
            newest: None,
            shortest: None,
            loss: 0,
            report: None,
        }
    }

    /// An authentic packet came.
    pub fn count(&mut self, index: u64, timestamp: u32, now: Time) {
        let transit = now.units_since(Time::default(), self.rate) as i64 - i64::from(timestamp);
        self.first = Some(self.first.map_or(index, |first| first.min(index)));
        if index > self.highest || self.received == 0 {
            self.highest = index;
            self.newest = Some(transit);
            if self.shortest.is_none_or(|shortest| longer(transit, shortest) < 0) {
                self.shortest = Some(transit);
            }
        }
        self.received += 1;
        if let Some(before) = self.transit {
            let difference = u64::from(longer(transit, before).unsigned_abs());
            self.jitter = (self.jitter + difference).saturating_sub((self.jitter + 8) >> 4);
        }
        self.transit = Some(transit);
    }

    /// The sender reported where it stands.
    pub fn note_report(&mut self, anchor: Anchor, now: Time) {
        self.report = Some((anchor, now));
        self.shortest = self.newest;
    }

    /// What the sender last reported.
    pub fn anchor(&self) -> Option<Anchor> {
        self.report.map(|(anchor, _)| anchor)
    }

    /// Whether timestamps stood still since the sender's report, or packets are held up on their way at the moment.
    pub fn fell_behind(&self) -> bool {
        let behind = self.newest.zip(self.shortest).map_or(0, |(newest, shortest)| longer(newest, shortest));
        behind > (self.rate / STANDSTILL) as i32
    }

    /// Packets that should have come by now, and those that did not.
    pub fn so_far(&self) -> (u64, u64) {
        let expected = self.first.map_or(0, |first| self.highest - first + 1);
        (expected, expected.saturating_sub(self.received))
    }

    /// What to report, if anything came since the last time.
    pub fn report(&mut self, ssrc: u32, now: Time) -> Option<ReportBlock> {
        let first = self.first?;
        let expected = self.highest - first + 1;
        let (expected_before, received_before) = self.before;
        if self.received == received_before {
            return None;
        }
        self.before = (expected, self.received);
        let (expected_now, received_now) = (expected - expected_before, self.received - received_before);
        let lost_now = expected_now.saturating_sub(received_now);
        let (last_report, delay) = self.report.map_or((0, 0), |(anchor, at)| {
            ((anchor.ntp >> 16) as u32, now.units_since(at, 1 << 16).min(u64::from(u32::MAX)) as u32)
        });
        let fraction_lost = (lost_now * 256).checked_div(expected_now).unwrap_or(0).min(255) as u8;
        self.loss = (7 * self.loss + 16 * u32::from(fraction_lost)) / 8;
        Some(ReportBlock {
            ssrc,
            fraction_lost,
            lost: expected.saturating_sub(self.received).min(0x7f_ffff) as u32,
            highest: self.highest as u32,
            jitter: (self.jitter >> 4) as u32,
            last_report,
            delay,
        })
    }
}

/// By how much one transit time is longer than the other. Both wrap with the timestamp; their difference counts.
fn longer(one: i64, other: i64) -> i32 {
    one.wrapping_sub(other) as i32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn loss_is_reported_since_the_last_report_and_in_total() {
        let mut reception = Reception::new(90_000);
        for index in (65_530..65_630).filter(|index| index % 4 != 0) {
            reception.count(index, index as u32, Time::from_millis(index));
        }
        let block = reception.report(1, Time::from_millis(0)).unwrap();
        assert_eq!((block.lost, block.highest), (25, 65_629));
        assert_eq!(reception.so_far(), (100, 25));
        assert!((60..=64).contains(&block.fraction_lost));
        assert_eq!(reception.report(1, Time::from_millis(0)), None);
        reception.count(65_630, 0, Time::from_millis(0));
        assert_eq!(reception.report(1, Time::from_millis(0)).unwrap().fraction_lost, 0);
    }

    #[test]
    fn steady_packets_have_no_jitter_across_a_timestamp_wrap() {
        let mut reception = Reception::new(90_000);
        for frame in 0..100 {
            let timestamp = (u32::MAX - 90_000).wrapping_add(frame * 3_600);
            reception.count(u64::from(frame), timestamp, Time::from_millis(u64::from(frame) * 40));
        }
        assert_eq!(reception.report(1, Time::default()).unwrap().jitter, 0);
    }

    #[test]
    fn jitter_moves_by_a_sixteenth_of_what_each_transit_time_differs() {
        // A tick is a millisecond, and every other packet is 160 of them late (RFC 3550 section 6.4.1).
        let mut reception = Reception::new(1_000);
        let mut jitter = |packet: u32| {
            let late = u64::from(packet % 2 * 160);
            reception.count(u64::from(packet), 1_000 * packet, Time::from_millis(1_000 * u64::from(packet) + late));
            reception.report(1, Time::default()).unwrap().jitter
        };
        assert_eq!([0, 1, 2, 3].map(&mut jitter), [0, 10, 19, 28]);
        assert_eq!((4..200).map(jitter).last(), Some(159));
    }

    #[test]
    fn loss_is_averaged_over_about_eight_reports() {
        let mut reception = Reception::new(90_000);
        let mut loss = |second: u64, missing: Option<u64>| {
            for index in (4 * second..4 * second + 4).filter(|index| missing.is_none_or(|at| index % 4 != at)) {
                reception.count(index, 0, Time::default());
            }
            reception.report(1, Time::default()).unwrap();
            reception.loss
        };
        // A quarter is 64 of 256, in sixteenths.
        assert_eq!([0, 1, 2].map(|second| loss(second, Some(1))), [128, 240, 338]);
        assert_eq!((3..60).map(|second| loss(second, Some(1))).last(), Some(1_017));
        assert_eq!([60, 61].map(|second| loss(second, None)), [889, 777]);
    }

    #[test]
    fn the_delay_since_the_sender_s_report_is_told() {
        let mut reception = Reception::new(90_000);
        reception.note_report(Anchor { ntp: 0x1234_5678_9abc_def0, rtp: 0 }, Time::from_millis(1_000));
        reception.count(1, 0, Time::from_millis(1_500));
        let block = reception.report(1, Time::from_millis(1_500)).unwrap();
        assert_eq!((block.last_report, block.delay), (0x5678_9abc, 1 << 15));
    }

    #[test]
    fn timestamps_that_stood_still_since_the_report_are_noticed_and_late_packets_forgiven() {
        let (mut reception, anchor) = (Reception::new(48_000), Anchor { ntp: 0, rtp: 0 });
        let packet = |index: u64| (index, (u32::MAX - 4_000).wrapping_add(index as u32 * 960));
        let mut count = |index: u64, millis: u64, reported: bool| {
            let (index, timestamp) = packet(index);
            reception.count(index, timestamp, Time::from_millis(millis));
            if reported {
                reception.note_report(anchor, Time::from_millis(millis));
            }
            reception.fell_behind()
        };
        assert!(!count(0, 0, true) && !count(1, 20, false));
        // Held up, then there again; what comes once more is old and says nothing.
        assert!(count(2, 140, false) && !count(8, 160, false) && !count(3, 200, false));
        // Ten packets' time without any.
        assert!(count(9, 380, false) && count(10, 400, false));
        assert!(!count(11, 420, true) && !count(12, 440, false));
    }
}
