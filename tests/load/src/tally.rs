//! Everything that is counted and timed during a run.

use std::collections::BTreeMap;
use std::ops::Range;

use hdrhistogram::Histogram;
use serde::Serialize;

use crate::clock::{MILLISECOND, Nanos, SECOND};
use crate::offer::VP8_RTX;
use crate::rtp;

/// Longest duration that is told apart, in microseconds; what is longer counts as this.
const LONGEST: u64 = 60_000_000;

/// Durations, kept in microseconds.
pub struct Durations(Histogram<u64>);

impl Default for Durations {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, 3).expect("the bounds are constant and right"))
    }
}

impl Durations {
    pub fn record(&mut self, duration: Nanos) {
        self.0.saturating_record((duration / 1_000).max(1));
    }

    /// Milliseconds at this quantile; None without a single duration.
    pub fn milliseconds(&self, quantile: f64) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile) as f64 / (MILLISECOND / 1_000) as f64)
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }
}

/// SRTP and SRTCP on people's links in one direction, in the whole run.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Hop {
    /// Datagrams, and those of them that got through.
    pub datagrams: u64,
    pub passed: u64,
    /// RTP packets but for retransmissions, and those of them that were lost.
    pub rtp: u64,
    pub rtp_lost: u64,
}

impl Hop {
    /// One datagram is on a link that loses this fraction; whether it loses this one.
    pub fn pass(&mut self, datagram: &[u8], loss: f64) -> bool {
        let is_lost = loss > 0.0 && fastrand::f64() < loss;
        if let [128..=191, kind, ..] = datagram {
            self.datagrams += 1;
            self.passed += u64::from(!is_lost);
            if !rtp::is_rtcp(datagram) && kind & 0x7f != VP8_RTX {
                self.rtp += 1;
                self.rtp_lost += u64::from(is_lost);
            }
        }
        is_lost
    }
}

/// The counters. Faults count from the beginning; what has "window" in its meaning, only for packets
/// that were sent while it was open.
#[derive(Default)]
pub struct Tally {
    /// When the steady state that is measured began and ends: the latest of several such times.
    pub window: Option<Range<Nanos>>,
    /// Nanoseconds that were or are to be measured, all together.
    pub measured: Nanos,
    /// Stamped packets sent in the window, and those of them that arrived.
    pub sent: u64,
    pub delivered: u64,
    /// All packets that arrived in the window, stamped or not.
    pub received: u64,
    /// Numbers that a conversation's streams went through, and those that never came.
    pub expected: u64,
    pub missing: u64,
    pub duplicates: u64,
    pub reordered: u64,
    pub corrupt: u64,
    pub wrong_person: u64,
    pub undecryptable: u64,
    pub malformed: u64,
    pub unknown_stream: u64,
    /// Packets that the generator threw away itself, as told.
    pub dropped: u64,
    /// What people put on their links, and what was on its way to them.
    pub up: Hop,
    pub down: Hop,
    pub keyframes_asked: u64,
    pub retransmissions: u64,
    pub nacks: u64,
    pub recovered: u64,
    pub latency: Durations,
    pub lateness: Durations,
    pub join: Durations,
    pub first_keyframe: Durations,
    /// Conversations that began.
    pub pairings: u64,
    /// Chat messages that arrived.
    pub chat_read: u64,
    /// Sessions that went on over another WebSocket, and media connections after an ICE restart.
    pub resumed: u64,
    pub restarted: u64,
    pub acts: BTreeMap<&'static str, u64>,
    /// Connections and conversations that failed, by reason.
    pub failures: BTreeMap<String, u64>,
}

impl Tally {
    /// Measure what happens in this time as well.
    pub fn open(&mut self, window: Range<Nanos>) {
        self.measured += window.end - window.start;
        self.window = Some(window);
    }

    /// Whether something sent at `time` counts for the steady state.
    pub fn measures(&self, time: Nanos) -> bool {
        self.window.as_ref().is_some_and(|window| window.contains(&time))
    }

    /// A packet was to leave at `due`, and leaves now.
    pub fn leave(&mut self, due: Nanos, now: Nanos) {
        if self.measures(due) {
            self.lateness.record(now.saturating_sub(due));
        }
    }

    /// A behaviour was acted out.
    pub fn act(&mut self, name: &'static str) {
        *self.acts.entry(name).or_default() += 1;
    }

    /// Something went wrong for one person.
    pub fn fail(&mut self, reason: impl Into<String>) {
        *self.failures.entry(reason.into()).or_default() += 1;
    }

    /// How much was measured.
    pub fn seconds(&self) -> f64 {
        self.measured as f64 / SECOND as f64
    }
}
