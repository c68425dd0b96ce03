//! Waking a thread that waits, and waiting.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

use super::socket::{Bound, check};

/// An eventfd: any number of signals before it is cleared are one.
#[derive(Debug)]
pub struct Wake(OwnedFd);

impl Wake {
    /// Not signalled.
    pub fn new() -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let descriptor = check(unsafe { libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC) })?;
        // SAFETY: the descriptor was just made and has no other owner.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(descriptor) }))
    }

    /// Make it readable. A counter that is full is readable already, so failure means nothing.
    pub fn signal(&self) {
        let one = 1_u64;
        // SAFETY: `one` has the eight bytes that are read and outlives the call.
        unsafe { libc::write(self.0.as_raw_fd(), (&raw const one).cast(), size_of::<u64>()) };
    }

    /// Make it unreadable. It may be so already.
    pub fn clear(&self) {
        let mut count = 0_u64;
        // SAFETY: `count` has room for the eight bytes that are written and outlives the call.
        unsafe { libc::read(self.0.as_raw_fd(), (&raw mut count).cast(), size_of::<u64>()) };
    }

    /// For polling; stays owned by this.
    pub fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

/// Wait until a socket or `wake` is readable, at most `timeout`. Whether `wake` is.
pub fn wait_readable(sockets: &[Bound], wake: &Wake, timeout: Duration) -> bool {
    let descriptors = sockets.iter().map(Bound::descriptor).chain([wake.descriptor()]);
    let mut polled: Vec<libc::pollfd> =
        descriptors.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 }).collect();
    let timeout = libc::timespec {
        tv_sec: timeout.as_secs().min(3_600) as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as libc::c_long,
    };
    // SAFETY: `polled` holds as many entries as are told and both outlive the call; no signal mask.
    let ready = unsafe {
        let count = polled.len() as libc::nfds_t;
        libc::ppoll(polled.as_mut_ptr(), count, &raw const timeout, std::ptr::null())
    };
    // An interrupted wait (EINTR) is a short one.
    ready > 0 && polled.last().is_some_and(|entry| entry.revents != 0)
}

/// Let this thread's sleeps end on time instead of up to 50 us later.
pub fn precise_timers() {
    // SAFETY: takes integers only, and concerns the calling thread alone.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1_000_u64, 0_u64, 0_u64, 0_u64) };
}
