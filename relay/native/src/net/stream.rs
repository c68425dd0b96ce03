//! TCP connections, and waiting for many of them.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::socket::check;
use super::wake::Wake;
use crate::path::Path;

/// Connections told of at once.
const EVENTS: usize = 64;

/// An accepted connection that never makes a thread wait.
#[derive(Debug)]
pub struct Stream(TcpStream);

impl Stream {
    /// Take over a descriptor from Python, which has let go of it. It is closed if it is no TCP connection.
    pub fn adopt(descriptor: RawFd) -> io::Result<(Self, Path)> {
        if descriptor < 0 {
            return Err(ErrorKind::InvalidInput.into());
        }
        // SAFETY: by contract with `_core.pyi` nobody else owns the descriptor.
        let stream = TcpStream::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
        stream.set_nonblocking(true)?;
        let path = Path::tcp(stream.peer_addr()?, stream.local_addr()?.ip());
        Ok((Self(stream), path))
    }

    /// Read what is there. `Ok(0)` when there is nothing now, an error when there will be nothing more.
    pub fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match (&self.0).read(buffer) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Err(error) if is_passing(&error) => Ok(0),
            result => result,
        }
    }

    /// Write what fits now and give how much that was; None when the connection has ended.
    pub fn write(&self, bytes: &[u8]) -> Option<usize> {
        if bytes.is_empty() {
            return Some(0);
        }
        match (&self.0).write(bytes) {
            Ok(written) => Some(written),
            Err(error) if is_passing(&error) => Some(0),
            Err(_) => None,
        }
    }

    /// End both directions. Who waits for it is told.
    pub fn shut_down(&self) {
        // It may have ended already.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Something to do for the connection with this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// As given to [`Poll::add`].
    pub id: u64,
    /// It has bytes, or has ended.
    pub readable: bool,
    /// It takes bytes.
    pub writable: bool,
}

/// Waits for connections and for a wake-up (epoll, level-triggered).
#[derive(Debug)]
pub struct Poll(OwnedFd);

impl Poll {
    /// Waits for `wake` alone; it is reported as id `u64::MAX`.
    pub fn new(wake: &Wake) -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let descriptor = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor was just made and has no other owner.
        let poll = Self(unsafe { OwnedFd::from_raw_fd(descriptor) });
        poll.control(libc::EPOLL_CTL_ADD, wake.descriptor(), libc::EPOLLIN, u64::MAX)?;
        Ok(poll)
    }

    /// Wait for bytes of this connection too.
    pub fn add(&self, stream: &Stream, id: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, stream.0.as_raw_fd(), libc::EPOLLIN, id)
    }

    /// Wait for room as well, or no longer.
    pub fn watch_writable(&self, stream: &Stream, id: u64, watch: bool) {
        let events = libc::EPOLLIN | if watch { libc::EPOLLOUT } else { 0 };
        // It fails for a connection that has just been removed, whose bytes nobody wants.
        let _ = self.control(libc::EPOLL_CTL_MOD, stream.0.as_raw_fd(), events, id);
    }

    /// Wait for it no longer.
    pub fn remove(&self, stream: &Stream) {
        // It may have been removed already.
        let _ = self.control(libc::EPOLL_CTL_DEL, stream.0.as_raw_fd(), 0, 0);
    }

    /// Wait, at most `timeout`. An error when there will never be anything again.
    pub fn wait(&self, timeout: Duration) -> io::Result<Vec<Ready>> {
        let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
        let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: `events` has room for EVENTS entries and outlives the call.
        let count = unsafe { libc::epoll_wait(self.0.as_raw_fd(), events.as_mut_ptr(), EVENTS as libc::c_int, millis) };
        let failed = io::Error::last_os_error();
        let count = match usize::try_from(count) {
            Ok(count) => count,
            Err(_) if failed.kind() == ErrorKind::Interrupted => 0,
            Err(_) => return Err(failed),
        };
        let ready = |event: &libc::epoll_event| {
            let (events, id) = (event.events, event.u64);
            let has = |flags: libc::c_int| events & flags as u32 != 0;
            Ready { id, readable: has(libc::EPOLLIN | libc::EPOLLHUP | libc::EPOLLERR), writable: has(libc::EPOLLOUT) }
        };
        Ok(events[..count].iter().map(ready).collect())
    }

    fn control(&self, operation: libc::c_int, descriptor: RawFd, events: libc::c_int, id: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: events as u32, u64: id };
        // SAFETY: `event` outlives the call.
        check(unsafe { libc::epoll_ctl(self.0.as_raw_fd(), operation, descriptor, &raw mut event) }).map(drop)
    }
}
