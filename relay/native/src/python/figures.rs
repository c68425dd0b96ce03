//! What Python may read at any time, as frozen classes. Times are seconds, and shares go from 0 to 1.

use std::collections::HashMap;

use pyo3::prelude::*;

use crate::counters::{self, Arrival, Drops, PeerCounters, Reason};
use crate::ids::PeerId;

/// Reasons that occurred, and how often.
type DropCounts = HashMap<&'static str, u64>;

/// What the system granted one socket, in bytes.
#[pyclass(frozen, get_all, module = "relay.native._core")]
pub(super) struct SocketBuffers {
    pub(super) host: String,
    pub(super) receive: usize,
    pub(super) send: usize,
}

/// One direction between the core and all its peers, since it was started.
#[pyclass(frozen, get_all, module = "relay.native._core")]
pub(super) struct Recovery {
    missed: u64,
    retransmitted: u64,
    keyframes: u64,
    expected: u64,
    lost: u64,
}

impl From<counters::Recovery> for Recovery {
    fn from(of: counters::Recovery) -> Self {
        let counters::Recovery { missed, retransmitted, keyframes, expected, lost } = of;
        Self { missed, retransmitted, keyframes, expected, lost }
    }
}

/// Of the whole core, since it was started.
#[pyclass(frozen, get_all, module = "relay.native._core")]
pub(super) struct Totals {
    packets_received: u64,
    packets_sent: u64,
    bytes_received: u64,
    bytes_sent: u64,
    drops: DropCounts,
    bytes_kept: u64,
    packets_unkept: u64,
    to_peers: Py<Recovery>,
    from_peers: Py<Recovery>,
    turn_allocations: u64,
    waited: f64,
}

impl Totals {
    /// `waited`: nanoseconds.
    pub(super) fn of(
        totals: &counters::Totals,
        waited: u64,
        to_peers: counters::Recovery,
        from_peers: counters::Recovery,
        py: Python<'_>,
    ) -> PyResult<Self> {
        Ok(Self {
            packets_received: totals.received.packets.get(),
            packets_sent: totals.sent.packets.get(),
            bytes_received: totals.received.bytes.get(),
            bytes_sent: totals.sent.bytes.get(),
            drops: drops(&totals.drops),
            bytes_kept: totals.kept.bytes(),
            packets_unkept: totals.kept.refused(),
            to_peers: Py::new(py, Recovery::from(to_peers))?,
            from_peers: Py::new(py, Recovery::from(from_peers))?,
            turn_allocations: totals.turn_allocations.get(),
            waited: waited as f64 / 1e9,
        })
    }
}

/// One direction between the core and one peer, since it was opened; loss and jitter of the picture by the latest
/// report.
#[pyclass(frozen, get_all, module = "relay.native._core")]
pub(super) struct LinkFigures {
    missed: u64,
    retransmitted: u64,
    keyframes_wanted: u64,
    loss: f64,
    jitter: f64,
    expected: u64,
    lost: u64,
    kept: u64,
    estimate: Option<u64>,
    cap: Option<u64>,
}

impl LinkFigures {
    fn of(recovery: counters::Recovery, arrival: &Arrival) -> Self {
        Self {
            missed: recovery.missed,
            retransmitted: recovery.retransmitted,
            keyframes_wanted: recovery.keyframes,
            loss: arrival.loss.get() as f64 / 256.0,
            jitter: arrival.jitter.get() as f64 / 1e6,
            expected: recovery.expected,
            lost: recovery.lost,
            kept: 0,
            estimate: None,
            cap: None,
        }
    }
}

/// One peer, since it was opened.
#[pyclass(frozen, get_all, module = "relay.native._core")]
pub(super) struct PeerFigures {
    peer: PeerId,
    packets_received: u64,
    packets_sent: u64,
    bytes_received: u64,
    bytes_sent: u64,
    bits_per_second_received: u64,
    bits_per_second_sent: u64,
    keyframes: u64,
    keyframe_requests: u64,
    drops: DropCounts,
    round_trip: Option<f64>,
    to_peer: Py<LinkFigures>,
    from_peer: Py<LinkFigures>,
}

impl PeerFigures {
    pub(super) fn of(peer: PeerId, of: &PeerCounters, py: Python<'_>) -> PyResult<Self> {
        let to_peer = LinkFigures {
            kept: of.kept.get(),
            estimate: known(of.estimate.get()),
            ..LinkFigures::of(of.to_it(), &of.arrival)
        };
        let from_peer = LinkFigures { cap: known(of.cap.get()), ..LinkFigures::of(of.from_it(), &of.reception) };
        Ok(Self {
            peer,
            packets_received: of.received.packets.get(),
            packets_sent: of.sent.packets.get(),
            bytes_received: of.received.bytes.get(),
            bytes_sent: of.sent.bytes.get(),
            bits_per_second_received: of.receive_rate.get(),
            bits_per_second_sent: of.send_rate.get(),
            keyframes: of.keyframes.get(),
            keyframe_requests: of.keyframe_requests.get(),
            drops: drops(&of.drops),
            round_trip: known(of.round_trip.get()).map(|millis| millis as f64 / 1e3),
            to_peer: Py::new(py, to_peer)?,
            from_peer: Py::new(py, from_peer)?,
        })
    }
}

/// Add the classes to the module.
pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<SocketBuffers>()?;
    module.add_class::<Recovery>()?;
    module.add_class::<Totals>()?;
    module.add_class::<LinkFigures>()?;
    module.add_class::<PeerFigures>()
}

/// A counter at zero was never set.
fn known(value: u64) -> Option<u64> {
    Some(value).filter(|value| *value > 0)
}

fn drops(of: &Drops) -> DropCounts {
    Reason::ALL.iter().map(|reason| (reason.name(), of.get(*reason))).filter(|(_, count)| *count > 0).collect()
}
