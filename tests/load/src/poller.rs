//! Waits for many sockets at once (epoll), to the microsecond.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use crate::clock::{Nanos, SECOND};

const EVENTS: usize = 512;

/// Sockets under watch, each with a token of the caller's.
pub struct Poller {
    epoll: OwnedFd,
    events: Vec<libc::epoll_event>,
    ready: usize,
}

impl Poller {
    pub fn new() -> io::Result<Self> {
        // SAFETY: no pointers; the result is checked before it is owned.
        let descriptor = unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) };
        if descriptor < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            // SAFETY: `descriptor` is open, and nobody else owns it.
            epoll: unsafe { OwnedFd::from_raw_fd(descriptor) },
            events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS],
            ready: 0,
        })
    }

    /// Watch for something to read. Closing the socket ends it.
    pub fn watch(&self, socket: &impl AsRawFd, token: u64) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, socket.as_raw_fd(), token)
    }

    /// Watch no longer.
    pub fn forget(&self, socket: &impl AsRawFd) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_DEL, socket.as_raw_fd(), 0)
    }

    /// Wait until a socket is readable, or for `patience`.
    pub fn wait(&mut self, patience: Nanos) -> io::Result<()> {
        let timeout = libc::timespec { tv_sec: (patience / SECOND) as i64, tv_nsec: (patience % SECOND) as i64 };
        // SAFETY: the array has EVENTS elements and outlives the call; a null mask is allowed.
        let ready = unsafe {
            libc::epoll_pwait2(
                self.epoll.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS as i32,
                &timeout,
                std::ptr::null(),
            )
        };
        self.ready = ready.max(0) as usize;
        match ready {
            0.. => Ok(()),
            _ => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(()),
                error => Err(error),
            },
        }
    }

    /// The token of the n-th socket that the last `wait` found readable.
    pub fn ready(&self, position: usize) -> Option<u64> {
        (position < self.ready).then(|| self.events[position].u64)
    }

    fn control(&self, operation: i32, descriptor: RawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: `event` outlives the call; a wrong descriptor is reported, not undefined.
        match unsafe { libc::epoll_ctl(self.epoll.as_raw_fd(), operation, descriptor, &mut event) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}
