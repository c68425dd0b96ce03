//! The result of a run, as JSON and for people.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::clock::{Nanos, SECOND};
use crate::options::Options;
use crate::tally::{Durations, Hop, Tally};

/// Milliseconds; null without a single one.
#[derive(Debug, Serialize)]
pub struct Quantiles {
    pub count: u64,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    pub p99: Option<f64>,
    pub max: Option<f64>,
}

impl Quantiles {
    fn of(durations: &Durations) -> Self {
        Self {
            count: durations.count(),
            p50: durations.milliseconds(0.5),
            p95: durations.milliseconds(0.95),
            p99: durations.milliseconds(0.99),
            max: durations.milliseconds(1.0),
        }
    }
}

#[derive(Debug, Serialize)]
pub struct Report {
    pub people: u32,
    pub seconds: f64,
    /// From opening the WebSocket to SRTP keys.
    pub join_ms: Quantiles,
    /// From being paired to the first packet of a keyframe.
    pub first_keyframe_ms: Quantiles,
    /// In the window: stamped packets sent, those that arrived, and all packets that arrived.
    pub sent: u64,
    pub delivered: u64,
    pub received: u64,
    /// Fraction of stamped packets sent in the window that never arrived; null when nothing is stamped.
    pub loss: Option<f64>,
    /// Fraction of the numbers between first and last of a conversation that never came.
    pub gaps: Option<f64>,
    pub duplicates: u64,
    pub reordered: u64,
    pub corrupt: u64,
    pub wrong_person: u64,
    pub undecryptable: u64,
    pub malformed: u64,
    pub unknown_stream: u64,
    pub dropped: u64,
    /// On people's links, in the whole run.
    pub up: Hop,
    pub down: Hop,
    /// One way, from before encryption to after decryption.
    pub latency_ms: Quantiles,
    /// All packets that arrived, per person and second.
    pub packets_per_person: f64,
    pub keyframes_asked: u64,
    pub retransmissions: u64,
    pub nacks: u64,
    pub recovered: u64,
    pub pairings: u64,
    pub chat_read: u64,
    pub resumed: u64,
    pub restarted: u64,
    pub acts: BTreeMap<&'static str, u64>,
    pub failures: BTreeMap<String, u64>,
    /// How much later than planned packets left.
    pub send_late_ms: Quantiles,
    /// CPU of the generator in the window, in per cent of one core.
    pub generator_core_percent: f64,
}

impl Report {
    pub fn new(options: &Options, tally: &Tally, cpu: Nanos) -> Self {
        let seconds = tally.seconds();
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        Self {
            people: options.people,
            seconds,
            join_ms: Quantiles::of(&tally.join),
            first_keyframe_ms: Quantiles::of(&tally.first_keyframe),
            sent: tally.sent,
            delivered: tally.delivered,
            received: tally.received,
            loss: share(tally.sent.saturating_sub(tally.delivered), tally.sent).filter(|_| !options.foreign),
            gaps: share(tally.missing, tally.expected),
            duplicates: tally.duplicates,
            reordered: tally.reordered,
            corrupt: tally.corrupt,
            wrong_person: tally.wrong_person,
            undecryptable: tally.undecryptable,
            malformed: tally.malformed,
            unknown_stream: tally.unknown_stream,
            dropped: tally.dropped,
            up: tally.up,
            down: tally.down,
            latency_ms: Quantiles::of(&tally.latency),
            packets_per_person: tally.received as f64 / seconds / f64::from(options.people),
            keyframes_asked: tally.keyframes_asked,
            retransmissions: tally.retransmissions,
            nacks: tally.nacks,
            recovered: tally.recovered,
            pairings: tally.pairings,
            chat_read: tally.chat_read,
            resumed: tally.resumed,
            restarted: tally.restarted,
            acts: tally.acts.clone(),
            failures: tally.failures.clone(),
            send_late_ms: Quantiles::of(&tally.lateness),
            generator_core_percent: 100.0 * cpu as f64 / SECOND as f64 / seconds,
        }
    }

    /// Whether nothing happened that a right relay on a right network would not let happen.
    pub fn is_faultless(&self) -> bool {
        let faults = [
            self.duplicates,
            self.reordered,
            self.corrupt,
            self.wrong_person,
            self.undecryptable,
            self.malformed,
            self.unknown_stream,
        ];
        faults == [0; 7]
            && self.gaps.unwrap_or_default() == 0.0
            && self.failures.is_empty()
            && (self.received > 0 || self.chat_read > 0)
    }
}

impl fmt::Display for Quantiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
        let Self { count, p50, p95, p99, max } = self;
        let [p50, p95, p99, max] = [p50, p95, p99, max].map(|value| show(*value));
        write!(formatter, "p50 {p50}, p95 {p95}, p99 {p99}, max {max} ms ({count})")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |fraction: Option<f64>| fraction.map_or("-".to_owned(), |it| format!("{:.3} %", 100.0 * it));
        writeln!(formatter, "{} people for {:.1} s", self.people, self.seconds)?;
        writeln!(formatter, "joins            {}", self.join_ms)?;
        writeln!(formatter, "first keyframe   {}", self.first_keyframe_ms)?;
        writeln!(formatter, "latency          {}", self.latency_ms)?;
        writeln!(formatter, "packets          {:.1} per person and second", self.packets_per_person)?;
        writeln!(formatter, "lost             {}, gaps {}", percent(self.loss), percent(self.gaps))?;
        writeln!(
            formatter,
            "faults           {} duplicates, {} reordered, {} corrupt, {} of the wrong person, {} undecryptable, \
             {} malformed, {} of unknown streams",
            self.duplicates,
            self.reordered,
            self.corrupt,
            self.wrong_person,
            self.undecryptable,
            self.malformed,
            self.unknown_stream
        )?;
        writeln!(
            formatter,
            "feedback         {} keyframes asked of us, {} packets retransmitted, {} NACKs sent, {} packets recovered",
            self.keyframes_asked, self.retransmissions, self.nacks, self.recovered
        )?;
        writeln!(
            formatter,
            "signalling       {} pairings, {} messages read, {} sessions resumed, {} ICE restarts",
            self.pairings, self.chat_read, self.resumed, self.restarted
        )?;
        writeln!(formatter, "acts             {:?}", self.acts)?;
        writeln!(formatter, "failures         {:?}", self.failures)?;
        writeln!(formatter, "sends late       {}", self.send_late_ms)?;
        write!(formatter, "generator        {:.1} % of a core", self.generator_core_percent)
    }
}
