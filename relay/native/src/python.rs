//! The core as Python sees it: `relay.native._core`. The stub `_core.pyi` says what each call takes.
//!
//! Nothing here waits but `close`, which gives up the interpreter lock while the threads end.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::bindings::{Patience, PeerId, Side};
use crate::codec::Codec;
use crate::counters::{Arrival, Drops, Mending, PeerCounters, Reason, Traffic};
use crate::exchange::{Command, Event, PeerSetup};
use crate::forward::line::{End, ExtensionIds, LineSetup, Medium, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::handle::{Config, Handle};
use crate::net::Buffers;
use crate::path::{Path, Transport};
use crate::srtp::{Keys, Profile};
use crate::worker::Report;

/// (name, payload type, that of retransmissions)
type PyCodec = (String, u8, Option<u8>);
/// Ids of mid, audio level, abs-send-time, transport-cc, playout-delay; 0: not negotiated.
type PyExtensions = (u8, u8, u8, u8, u8);
/// (medium, mid, SSRC, RTX SSRC, codecs, extension ids)
type PyLine = (u8, String, Option<u32>, Option<u32>, Vec<PyCodec>, PyExtensions);
/// (medium, mid, SSRC, RTX SSRC, codecs, extension ids)
type PySlot = (u8, String, u32, u32, Vec<PyCodec>, PyExtensions);
/// (peer, medium)
type PyEnd = (PeerId, u8);
/// (kind, peer, datagram or text, path)
type PyReport<'py> = (u8, PeerId, Bound<'py, PyBytes>, Option<PyPath>);
/// (remote host, remote port, local host, whether it is a TCP connection)
type PyPath = (String, u16, String, bool);
/// (packets, bytes)
type PyTraffic = (u64, u64);
/// Reasons that occurred, and how often.
type PyDrops = Vec<(&'static str, u64)>;
/// (loss in 256ths, jitter in microseconds, packets expected so far, those of them lost)
type PyArrival = (u64, u64, u64, u64);
/// (missed, sent again, keyframes asked for, expected, lost)
type PyMending = (u64, u64, u64, u64, u64);
/// (packets that it missed, that it was sent again, keyframes that it wanted, bytes kept for it, its arrival, estimate)
type PyToIt = (u64, u64, u64, u64, PyArrival, u64);
/// (packets that we missed, that it sent again, its arrival here, cap)
type PyFromIt = (u64, u64, PyArrival, u64);
/// (peer, received, sent, receive rate, send rate, keyframes, keyframe requests, drops, round trip, to it, from it)
type PyPeer = (PeerId, PyTraffic, PyTraffic, u64, u64, u64, u64, PyDrops, u64, PyToIt, PyFromIt);

const FLOW_SELECTED: u8 = 0;
const FLOW_LOST: u8 = 1;
const DTLS: u8 = 2;
const DIED: u8 = 3;
const FLOW_QUIET: u8 = 4;
const FLOW_HEARD: u8 = 5;
const NO_COMMON_CODEC: u8 = 6;

/// Running media threads, or none after `close`.
#[pyclass(frozen)]
struct Core {
    /// Only Python's own threads take this lock; the media threads never do.
    inner: Mutex<Inner>,
}

struct Inner {
    handle: Handle,
    counters: HashMap<PeerId, Arc<PeerCounters>>,
    /// Of peers that have gone: what was missed by them, and of them.
    gone: (Mending, Mending),
}

impl Core {
    fn inner(&self) -> PyResult<MutexGuard<'_, Inner>> {
        self.inner.lock().map_err(|_| PyRuntimeError::new_err("the core is broken"))
    }

    fn order(&self, command: Command) -> PyResult<()> {
        let overloaded = |_| PyRuntimeError::new_err("the media threads take no more commands");
        self.inner()?.handle.order(command).map_err(overloaded)
    }
}

#[pymethods]
impl Core {
    #[new]
    fn new(
        py: Python<'_>,
        hosts: Vec<String>,
        port: u16,
        threads: usize,
        buffer: usize,
        consent: f64,
        quiet: f64,
    ) -> PyResult<Self> {
        let hosts = hosts
            .iter()
            .map(|host| host.parse::<IpAddr>().map_err(|_| PyValueError::new_err("not an IP address")))
            .collect::<PyResult<Vec<_>>>()?;
        let buffers = Buffers { receive: buffer, send: buffer };
        let patience = Patience { consent: (consent * 1_000.0) as u64, quiet: (quiet * 1_000.0) as u64 };
        let config = Config { hosts, port, threads, buffers, patience };
        let handle = py.detach(|| Handle::start(&config)).map_err(|failed| {
            PyOSError::new_err((failed.cause.raw_os_error(), failed.cause.to_string(), failed.host.to_string()))
        })?;
        Ok(Self { inner: Mutex::new(Inner { handle, counters: HashMap::new(), gone: Default::default() }) })
    }

    fn granted(&self) -> PyResult<Vec<(String, usize, usize)>> {
        let inner = self.inner()?;
        Ok(inner.handle.granted().iter().map(|(host, got)| (host.to_string(), got.receive, got.send)).collect())
    }

    fn fileno(&self) -> PyResult<i32> {
        Ok(self.inner()?.handle.report_descriptor())
    }

    fn admit(&self, peer: PeerId, local: (String, String), remote: (String, String)) -> PyResult<()> {
        let side = |(ufrag, password): (String, String)| Side { ufrag: ufrag.into(), password: password.into() };
        self.order(Command::Admit { peer, local: side(local), remote: side(remote) })
    }

    fn send_dtls(&self, peer: PeerId, datagram: Vec<u8>) -> PyResult<()> {
        self.order(Command::SendDtls { peer, datagram })
    }

    fn release(&self, peer: PeerId) -> PyResult<()> {
        self.order(Command::Release { peer })
    }

    fn adopt(&self, descriptor: i32) -> PyResult<()> {
        self.inner()?.handle.adopt(descriptor);
        Ok(())
    }

    fn open(&self, peer: PeerId, lines: Vec<PyLine>, slots: Vec<PySlot>, bitrate: u64) -> PyResult<()> {
        let setup = PeerSetup {
            lines: lines.into_iter().map(line).collect::<PyResult<_>>()?,
            slots: slots.into_iter().map(slot).collect::<PyResult<_>>()?,
            bitrate,
        };
        let counters = Arc::new(PeerCounters::default());
        self.inner()?.counters.insert(peer, Arc::clone(&counters));
        self.order(Command::Open { peer, setup, counters })
    }

    fn open_tap(&self, peer: PeerId, line: PyLine, slot: PySlot, bitrate: u64) -> PyResult<()> {
        let setup = PeerSetup { lines: vec![self::line(line)?], slots: vec![self::slot(slot)?], bitrate };
        self.order(Command::OpenTap { peer, setup })
    }

    fn inject(&self, peer: PeerId, packet: Vec<u8>) -> PyResult<bool> {
        Ok(self.inner()?.handle.order(Command::Inject { peer, packet }).is_ok())
    }

    fn tapped<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Vec<(PeerId, Bound<'py, PyBytes>)>> {
        let packets = self.inner()?.handle.tapped(most);
        Ok(packets.into_iter().map(|(peer, packet)| (peer, PyBytes::new(py, &packet))).collect())
    }

    fn secure(&self, peer: PeerId, profile: &str, receive: Vec<u8>, send: Vec<u8>) -> PyResult<()> {
        let profile = match profile {
            "SRTP_AEAD_AES_128_GCM" => Profile::Gcm128,
            "SRTP_AEAD_AES_256_GCM" => Profile::Gcm256,
            "SRTP_AES128_CM_SHA1_80" => Profile::Cm128Sha1,
            _ => return Err(PyValueError::new_err("unknown SRTP profile")),
        };
        let (Some(receive), Some(send)) = (Keys::new(profile, receive), Keys::new(profile, send)) else {
            return Err(PyValueError::new_err("the keys do not fit the profile"));
        };
        self.order(Command::Secure { peer, receive, send })
    }

    #[pyo3(signature = (slot, source))]
    fn route(&self, slot: PyEnd, source: Option<PyEnd>) -> PyResult<()> {
        self.order(Command::Route { slot: end(slot)?, source: source.map(end).transpose()? })
    }

    fn close_peer(&self, peer: PeerId) -> PyResult<()> {
        let mut inner = self.inner()?;
        if let Some(counters) = inner.counters.remove(&peer) {
            inner.gone.0 += counters.to_it();
            inner.gone.1 += counters.from_it();
        }
        drop(inner);
        self.order(Command::Close { peer })
    }

    fn reports<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Vec<PyReport<'py>>> {
        let reports = self.inner()?.handle.reports(most);
        Ok(reports
            .into_iter()
            .map(|report| match report {
                Report::Event(Event::FlowSelected(peer, path)) => {
                    (FLOW_SELECTED, peer, PyBytes::new(py, b""), Some(py_path(path)))
                }
                Report::Event(Event::FlowQuiet(peer)) => (FLOW_QUIET, peer, PyBytes::new(py, b""), None),
                Report::Event(Event::FlowHeard(peer)) => (FLOW_HEARD, peer, PyBytes::new(py, b""), None),
                Report::Event(Event::FlowLost(peer)) => (FLOW_LOST, peer, PyBytes::new(py, b""), None),
                Report::Event(Event::Dtls(peer, datagram)) => (DTLS, peer, PyBytes::new(py, &datagram), None),
                Report::Event(Event::NoCommonCodec(slot)) => {
                    (NO_COMMON_CODEC, slot.peer, PyBytes::new(py, &[slot.medium as u8]), None)
                }
                Report::Died(message) => (DIED, 0, PyBytes::new(py, message.as_bytes()), None),
            })
            .collect())
    }

    fn totals(&self) -> PyResult<(PyTraffic, PyTraffic, PyDrops, u64)> {
        let inner = self.inner()?;
        let totals = inner.handle.totals();
        Ok((traffic(&totals.received), traffic(&totals.sent), drops(&totals.drops), totals.kept.get()))
    }

    fn turns(&self) -> PyResult<Vec<(String, u64)>> {
        Ok(self.inner()?.handle.turns().into_iter().map(|(name, turns)| (name.to_owned(), turns)).collect())
    }

    /// What was missed by all peers so far, and of them.
    fn mending(&self) -> PyResult<(PyMending, PyMending)> {
        let inner = self.inner()?;
        let (mut to_them, mut from_them) = inner.gone;
        for counters in inner.counters.values() {
            to_them += counters.to_it();
            from_them += counters.from_it();
        }
        Ok((mending(to_them), mending(from_them)))
    }

    fn peers(&self) -> PyResult<Vec<PyPeer>> {
        let inner = self.inner()?;
        Ok(inner
            .counters
            .iter()
            .map(|(peer, of)| {
                (
                    *peer,
                    traffic(&of.received),
                    traffic(&of.sent),
                    of.receive_rate.get(),
                    of.send_rate.get(),
                    of.keyframes.get(),
                    of.keyframe_requests.get(),
                    drops(&of.drops),
                    of.round_trip.get(),
                    (
                        of.missed.get(),
                        of.sent_again.get(),
                        of.keyframes_wanted.get(),
                        of.kept.get(),
                        arrival(&of.arrival),
                        of.estimate.get(),
                    ),
                    (of.asked_again.get(), of.mended.get(), arrival(&of.reception), of.cap.get()),
                )
            })
            .collect())
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner.lock().map(|mut inner| inner.handle.stop()).map_err(|_| ()))
            .map_err(|()| PyRuntimeError::new_err("the core is broken"))
    }
}

fn py_path(path: Path) -> PyPath {
    let (host, local) = (path.remote.ip().to_string(), path.local.to_string());
    (host, path.remote.port(), local, path.transport == Transport::Tcp)
}

fn arrival(of: &Arrival) -> PyArrival {
    (of.loss.get(), of.jitter.get(), of.expected.get(), of.lost.get())
}

fn mending(of: Mending) -> PyMending {
    (of.missed, of.sent_again, of.keyframes, of.expected, of.lost)
}

fn traffic(of: &Traffic) -> PyTraffic {
    (of.packets.get(), of.bytes.get())
}

/// Reasons that occurred.
fn drops(of: &Drops) -> PyDrops {
    Reason::ALL.iter().map(|reason| (reason.name(), of.get(*reason))).filter(|(_, count)| *count > 0).collect()
}

fn medium(number: u8) -> PyResult<Medium> {
    Medium::ALL.get(usize::from(number)).copied().ok_or_else(|| PyValueError::new_err("unknown medium"))
}

fn end((peer, number): PyEnd) -> PyResult<End> {
    Ok(End { peer, medium: medium(number)? })
}

fn codecs(named: Vec<PyCodec>) -> PyResult<Vec<NumberedCodec>> {
    named
        .into_iter()
        .map(|(name, payload_type, rtx_payload_type)| {
            let codec = Codec::from_name(&name).ok_or_else(|| PyValueError::new_err("unknown codec"))?;
            Ok(NumberedCodec { codec, payload_type, rtx_payload_type })
        })
        .collect()
}

fn extensions((mid, audio_level, abs_send_time, transport_cc, playout_delay): PyExtensions) -> ExtensionIds {
    let id = |id: u8| Some(id).filter(|id| *id != 0);
    ExtensionIds {
        mid: id(mid),
        audio_level: id(audio_level),
        abs_send_time: id(abs_send_time),
        transport_cc: id(transport_cc),
        playout_delay: id(playout_delay),
    }
}

fn line((number, mid, ssrc, rtx_ssrc, named, ids): PyLine) -> PyResult<LineSetup> {
    Ok(LineSetup {
        medium: medium(number)?,
        mid: mid.into_bytes(),
        ssrc,
        rtx_ssrc,
        codecs: codecs(named)?,
        extensions: extensions(ids),
    })
}

fn slot((number, mid, ssrc, rtx_ssrc, named, ids): PySlot) -> PyResult<SlotSetup> {
    Ok(SlotSetup {
        medium: medium(number)?,
        mid: mid.into_bytes(),
        ssrc,
        rtx_ssrc,
        codecs: codecs(named)?,
        extensions: extensions(ids),
    })
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Core>()?;
    module.add("FLOW_SELECTED", FLOW_SELECTED)?;
    module.add("FLOW_LOST", FLOW_LOST)?;
    module.add("DTLS", DTLS)?;
    module.add("DIED", DIED)?;
    module.add("FLOW_QUIET", FLOW_QUIET)?;
    module.add("FLOW_HEARD", FLOW_HEARD)?;
    module.add("NO_COMMON_CODEC", NO_COMMON_CODEC)?;
    Ok(())
}
