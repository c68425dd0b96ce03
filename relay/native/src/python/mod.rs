//! The core as Python sees it: `relay.native._core`. The stub `_core.pyi` says what each call takes and gives.
//!
//! Nothing here waits but `close`, which gives up the interpreter lock while the threads end.

mod events;
mod figures;
mod setup;
mod tls;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use self::figures::{PeerFigures, SocketBuffers, Totals};
use self::setup::{PyCredentials, PyLine, PyLineId, PySlot, PySlotId};
use self::tls::TlsConnection;
use crate::counters::{PeerCounters, Recovery};
use crate::exchange::{Command, PeerSetup};
use crate::ice::bindings::Patience;
use crate::ids::PeerId;
use crate::net::Buffers;
use crate::srtp::{Keys, Profile};
use crate::threads::handle::{Config, Handle, Overloaded};

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
    gone: (Recovery, Recovery),
}

impl Core {
    fn inner(&self) -> PyResult<MutexGuard<'_, Inner>> {
        self.inner.lock().map_err(|_| PyRuntimeError::new_err("the core is broken"))
    }

    fn order(&self, command: Command) -> PyResult<()> {
        self.inner()?.handle.order(command).map_err(overloaded)
    }

    /// Of what is for those who come later, and then wake a thread themselves: credentials, and what they will send.
    fn order_in_time(&self, command: Command) -> PyResult<()> {
        self.inner()?.handle.order_in_time(command).map_err(overloaded)
    }
}

#[pymethods]
impl Core {
    #[new]
    #[pyo3(signature = (hosts, port, *, threads, buffer, consent, silence, gathering, cache))]
    fn new(
        py: Python<'_>,
        hosts: Vec<String>,
        port: u16,
        threads: usize,
        buffer: usize,
        consent: f64,
        silence: f64,
        gathering: f64,
        cache: u64,
    ) -> PyResult<Self> {
        let hosts = hosts.iter().map(|host| address(host)).collect::<PyResult<Vec<_>>>()?;
        let buffers = Buffers { receive: buffer, send: buffer };
        let patience = Patience { consent: (consent * 1_000.0) as u64, silence: (silence * 1_000.0) as u64 };
        let gathering =
            Duration::try_from_secs_f64(gathering).map_err(|_| PyValueError::new_err("no time to gather in"))?;
        let config = Config { hosts, port, threads, buffers, patience, gathering, cache };
        let handle = py.detach(|| Handle::start(&config)).map_err(|failed| {
            PyOSError::new_err((failed.cause.raw_os_error(), failed.cause.to_string(), failed.host.to_string()))
        })?;
        Ok(Self { inner: Mutex::new(Inner { handle, counters: HashMap::new(), gone: Default::default() }) })
    }

    fn granted(&self) -> PyResult<Vec<SocketBuffers>> {
        let inner = self.inner()?;
        let granted = inner.handle.granted().iter();
        let shown =
            granted.map(|(host, got)| SocketBuffers { host: host.to_string(), receive: got.receive, send: got.send });
        Ok(shown.collect())
    }

    fn fileno(&self) -> PyResult<i32> {
        Ok(self.inner()?.handle.event_descriptor())
    }

    fn admit(&self, peer: PeerId, local: PyCredentials, remote: PyCredentials) -> PyResult<()> {
        self.order_in_time(Command::Admit { peer, local: local.into(), remote: remote.into() })
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

    fn adopt_turn(&self, descriptor: i32, tls: Option<&Bound<'_, TlsConnection>>, first: Vec<u8>) -> PyResult<()> {
        let given = |tls: &Bound<'_, TlsConnection>| {
            tls.get().take().ok_or_else(|| PyRuntimeError::new_err("the core has the connection"))
        };
        self.inner()?.handle.adopt_turn(descriptor, tls.map(given).transpose()?, first);
        Ok(())
    }

    fn admit_turn(&self, username: String, key: Vec<u8>) -> PyResult<()> {
        self.order_in_time(Command::AdmitTurn { username: username.into(), key })
    }

    fn release_turn(&self, username: String) -> PyResult<()> {
        self.order_in_time(Command::ReleaseTurn { username: username.into() })
    }

    fn tell_turn_peers(&self, addresses: Vec<(String, u16)>) -> PyResult<()> {
        let peers = addresses.iter().map(|(host, port)| Ok(SocketAddr::new(address(host)?, *port)));
        self.order_in_time(Command::TellTurnPeers { peers: peers.collect::<PyResult<_>>()? })
    }

    fn open(&self, peer: PeerId, lines: Vec<PyLine>, slots: Vec<PySlot>, bitrate: u64) -> PyResult<()> {
        let setup = PeerSetup { lines: setup::all(lines)?, slots: setup::all(slots)?, bitrate };
        let counters = Arc::new(PeerCounters::default());
        self.inner()?.counters.insert(peer, Arc::clone(&counters));
        self.order_in_time(Command::Open { peer, setup, counters })
    }

    fn open_transcoder(&self, peer: PeerId, line: PyLine, slot: PySlot, bitrate: u64) -> PyResult<()> {
        let setup = PeerSetup { lines: vec![line.try_into()?], slots: vec![slot.try_into()?], bitrate };
        self.order(Command::OpenTranscoder { peer, setup })
    }

    fn inject(&self, peer: PeerId, packet: Vec<u8>) -> PyResult<bool> {
        Ok(self.inner()?.handle.order(Command::Inject { peer, packet }).is_ok())
    }

    fn for_transcoders<'py>(&self, py: Python<'py>, most: usize) -> PyResult<Vec<(PeerId, Bound<'py, PyBytes>)>> {
        let packets = self.inner()?.handle.for_transcoders(most);
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
    fn route(&self, slot: PySlotId, source: Option<PyLineId>) -> PyResult<()> {
        let source = source.map(TryInto::try_into).transpose()?;
        self.order(Command::Route { slot: slot.try_into()?, source })
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

    fn gather(&self) -> PyResult<()> {
        self.inner()?.handle.gather();
        Ok(())
    }

    fn wake(&self) -> PyResult<()> {
        self.inner()?.handle.wake();
        Ok(())
    }

    fn events(&self, py: Python<'_>, most: usize) -> PyResult<Vec<Py<PyAny>>> {
        let events = self.inner()?.handle.events(most);
        events.into_iter().map(|event| events::shown(event, py)).collect()
    }

    fn totals(&self, py: Python<'_>) -> PyResult<Totals> {
        let inner = self.inner()?;
        let (mut to_peers, mut from_peers) = inner.gone;
        for counters in inner.counters.values() {
            to_peers += counters.to_it();
            from_peers += counters.from_it();
        }
        Totals::of(&inner.handle.totals(), inner.handle.waited(), to_peers, from_peers, py)
    }

    fn turns(&self) -> PyResult<Vec<(String, u64)>> {
        Ok(self.inner()?.handle.turns().into_iter().map(|(name, turns)| (name.to_owned(), turns)).collect())
    }

    fn peers(&self, py: Python<'_>) -> PyResult<Vec<PeerFigures>> {
        let inner = self.inner()?;
        inner.counters.iter().map(|(peer, counters)| PeerFigures::of(*peer, counters, py)).collect()
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.inner.lock().map(|mut inner| inner.handle.stop()).map_err(|_| ()))
            .map_err(|()| PyRuntimeError::new_err("the core is broken"))
    }
}

fn overloaded(_: Overloaded) -> PyErr {
    PyRuntimeError::new_err("the media threads take no more commands")
}

fn address(host: &str) -> PyResult<IpAddr> {
    host.parse().map_err(|_| PyValueError::new_err("not an IP address"))
}

#[pymodule]
fn _core(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Core>()?;
    events::add_to(module)?;
    tls::add_to(module)?;
    figures::add_to(module)
}
