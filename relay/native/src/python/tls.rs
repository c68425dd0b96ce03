//! TLS for connections of which it is not known yet whether they end in the core. Python moves the bytes meanwhile.

use std::sync::{Mutex, MutexGuard};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::tls::{Config, Failed, Tls};

/// A certificate with its key.
#[pyclass(frozen)]
struct TlsContext {
    config: Config,
}

#[pymethods]
impl TlsContext {
    #[new]
    fn new(chain: &[u8], key: &[u8]) -> PyResult<Self> {
        Config::new(chain, key).map(|config| Self { config }).map_err(PyValueError::new_err)
    }

    #[pyo3(signature = (*, is_named))]
    fn accept(&self, is_named: bool) -> PyResult<TlsConnection> {
        let tls = self.config.accept(is_named).map_err(PyValueError::new_err)?;
        Ok(TlsConnection { inner: Mutex::new(Some(tls)) })
    }
}

/// One connection, or nothing once the core has it.
#[pyclass(frozen)]
pub(super) struct TlsConnection {
    inner: Mutex<Option<Tls>>,
}

impl TlsConnection {
    /// Give the connection away. There is none if that was done before.
    pub(super) fn take(&self) -> Option<Tls> {
        self.inner.lock().ok()?.take()
    }

    fn with<T>(&self, act: impl FnOnce(&mut Tls) -> T) -> PyResult<T> {
        let mut inner: MutexGuard<'_, Option<Tls>> =
            self.inner.lock().map_err(|_| PyRuntimeError::new_err("the connection is broken"))?;
        inner.as_mut().map(act).ok_or_else(|| PyRuntimeError::new_err("the core has the connection"))
    }
}

#[pymethods]
impl TlsConnection {
    fn receive<'py>(&self, py: Python<'py>, ciphertext: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let mut plain = Vec::new();
        match self.with(|tls| tls.receive(ciphertext, &mut plain))? {
            Ok(()) | Err(Failed::Ended) => Ok(PyBytes::new(py, &plain)),
            Err(failed) => Err(PyValueError::new_err(failed.to_string())),
        }
    }

    fn send<'py>(&self, py: Python<'py>, plain: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        let mut ciphertext = Vec::new();
        self.with(|tls| tls.send(plain, &mut ciphertext))?;
        Ok(PyBytes::new(py, &ciphertext))
    }

    fn pending<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let mut ciphertext = Vec::new();
        self.with(|tls| tls.pending(&mut ciphertext))?;
        Ok(PyBytes::new(py, &ciphertext))
    }

    fn close(&self) -> PyResult<()> {
        self.with(Tls::close)
    }

    #[getter]
    fn is_handshaking(&self) -> PyResult<bool> {
        self.with(|tls| tls.is_handshaking())
    }

    #[getter]
    fn has_ended(&self) -> PyResult<bool> {
        self.with(|tls| tls.has_ended())
    }

    #[getter]
    fn version(&self) -> PyResult<Option<&'static str>> {
        self.with(|tls| tls.agreed().map(|(version, _)| version))
    }

    #[getter]
    fn suite(&self) -> PyResult<Option<&'static str>> {
        self.with(|tls| tls.agreed().map(|(_, suite)| suite))
    }
}

/// Make all of it part of the module.
pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<TlsContext>()?;
    module.add_class::<TlsConnection>()
}
