//! What Python is told: a frozen class for each kind of event.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::exchange::Event;
use crate::ids::{PeerId, Seat};
use crate::threads::events::CoreEvent;

macro_rules! events {
    ($($(#[doc = $doc:literal])* $name:ident { $($field:ident: $kind:ty),* })*) => {
        $(
            $(#[doc = $doc])*
            #[pyclass(frozen, get_all, module = "relay.native._core")]
            struct $name { $($field: $kind),* }
        )*

        /// Add the classes to the module.
        pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
            $(module.add_class::<$name>()?;)*
            Ok(())
        }
    };
}

events! {
    FlowSelected {
        peer: PeerId, remote_host: String, remote_port: u16, local_host: String, transport: &'static str
    }
    FlowSilent { peer: PeerId }
    FlowResumed { peer: PeerId }
    FlowLost { peer: PeerId }
    DtlsReceived { peer: PeerId, datagram: Py<PyBytes> }
    NoCommonCodec { peer: PeerId, seat: Seat, medium: &'static str }
    ThreadDied { message: String }
}

/// An event as Python sees it.
pub(super) fn shown(event: CoreEvent, py: Python<'_>) -> PyResult<Py<PyAny>> {
    let event = match event {
        CoreEvent::OfPeer(event) => event,
        CoreEvent::ThreadDied(message) => return Ok(Py::new(py, ThreadDied { message })?.into_any()),
    };
    Ok(match event {
        Event::FlowSelected(peer, path) => Py::new(
            py,
            FlowSelected {
                peer,
                remote_host: path.remote.ip().to_string(),
                remote_port: path.remote.port(),
                local_host: path.local.to_string(),
                transport: path.transport.name(),
            },
        )?
        .into_any(),
        Event::FlowSilent(peer) => Py::new(py, FlowSilent { peer })?.into_any(),
        Event::FlowResumed(peer) => Py::new(py, FlowResumed { peer })?.into_any(),
        Event::FlowLost(peer) => Py::new(py, FlowLost { peer })?.into_any(),
        Event::Dtls(peer, datagram) => {
            let datagram = PyBytes::new(py, &datagram).unbind();
            Py::new(py, DtlsReceived { peer, datagram })?.into_any()
        }
        Event::NoCommonCodec(slot) => {
            let (peer, seat, medium) = (slot.peer, slot.seat, slot.medium.name());
            Py::new(py, NoCommonCodec { peer, seat, medium })?.into_any()
        }
    })
}
