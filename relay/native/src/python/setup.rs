//! What Python hands down. Taken by the names of its attributes, from whatever object has them.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::ice::bindings::Side;
use crate::ids::{LineId, Medium, PeerId, SEATS, Seat, SlotId};
use crate::wire::codecs::Codec;

/// One side's ICE credentials.
#[derive(FromPyObject)]
pub(super) struct PyCredentials {
    ufrag: String,
    password: String,
}

impl From<PyCredentials> for Side {
    fn from(side: PyCredentials) -> Self {
        Self { ufrag: side.ufrag.into(), password: side.password.into() }
    }
}

/// A codec as one section numbers it.
#[derive(FromPyObject)]
struct PyCodec {
    name: String,
    payload_type: u8,
    rtx_payload_type: Option<u8>,
}

/// A section that a browser sends.
#[derive(FromPyObject)]
pub(super) struct PyLine {
    medium: String,
    mid: String,
    ssrc: Option<u32>,
    rtx_ssrc: Option<u32>,
    codecs: Vec<PyCodec>,
    /// (id, URI)
    extensions: Vec<(u8, String)>,
}

impl TryFrom<PyLine> for LineSetup {
    type Error = PyErr;

    fn try_from(line: PyLine) -> PyResult<Self> {
        Ok(Self {
            medium: medium(&line.medium)?,
            mid: line.mid.into_bytes(),
            ssrc: line.ssrc,
            rtx_ssrc: line.rtx_ssrc,
            codecs: codecs(line.codecs)?,
            extensions: ExtensionIds::of(&line.extensions),
        })
    }
}

/// A section in which a browser receives.
#[derive(FromPyObject)]
pub(super) struct PySlot {
    seat: Seat,
    medium: String,
    mid: String,
    ssrc: u32,
    rtx_ssrc: u32,
    codecs: Vec<PyCodec>,
    /// (id, URI)
    extensions: Vec<(u8, String)>,
}

impl TryFrom<PySlot> for SlotSetup {
    type Error = PyErr;

    fn try_from(slot: PySlot) -> PyResult<Self> {
        Ok(Self {
            seat: seat(slot.seat)?,
            medium: medium(&slot.medium)?,
            mid: slot.mid.into_bytes(),
            ssrc: slot.ssrc,
            rtx_ssrc: slot.rtx_ssrc,
            codecs: codecs(slot.codecs)?,
            extensions: ExtensionIds::of(&slot.extensions),
        })
    }
}

/// `relay/peer/lines.py: LineId`.
#[derive(FromPyObject)]
pub(super) struct PyLineId {
    peer: PeerId,
    medium: String,
}

impl TryFrom<PyLineId> for LineId {
    type Error = PyErr;

    fn try_from(line: PyLineId) -> PyResult<Self> {
        Ok(Self { peer: line.peer, medium: medium(&line.medium)? })
    }
}

/// `relay/peer/lines.py: SlotId`.
#[derive(FromPyObject)]
pub(super) struct PySlotId {
    peer: PeerId,
    seat: Seat,
    medium: String,
}

impl TryFrom<PySlotId> for SlotId {
    type Error = PyErr;

    fn try_from(slot: PySlotId) -> PyResult<Self> {
        Ok(Self { peer: slot.peer, seat: seat(slot.seat)?, medium: medium(&slot.medium)? })
    }
}

/// All of them, or the first error.
pub(super) fn all<T, U: TryFrom<T, Error = PyErr>>(given: Vec<T>) -> PyResult<Vec<U>> {
    given.into_iter().map(U::try_from).collect()
}

fn medium(name: &str) -> PyResult<Medium> {
    Medium::from_name(name).ok_or_else(|| PyValueError::new_err("unknown medium"))
}

fn seat(number: Seat) -> PyResult<Seat> {
    if number < SEATS { Ok(number) } else { Err(PyValueError::new_err("there are fewer seats")) }
}

fn codecs(named: Vec<PyCodec>) -> PyResult<Vec<NumberedCodec>> {
    let numbered = |PyCodec { name, payload_type, rtx_payload_type }| {
        let codec = Codec::from_name(&name).ok_or_else(|| PyValueError::new_err("unknown codec"))?;
        Ok(NumberedCodec { codec, payload_type, rtx_payload_type })
    };
    named.into_iter().map(numbered).collect()
}
