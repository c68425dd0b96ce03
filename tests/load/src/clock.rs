//! The one clock of the generator: CLOCK_MONOTONIC, which all processes of a machine share.

/// Nanoseconds.
pub type Nanos = u64;

pub const MILLISECOND: Nanos = 1_000_000;
pub const SECOND: Nanos = 1_000_000_000;

/// Nanoseconds since the machine started.
pub fn now() -> Nanos {
    read(libc::CLOCK_MONOTONIC)
}

/// CPU time that the calling thread has used, in user and kernel mode.
pub fn thread_cpu() -> Nanos {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Wall clock as an NTP timestamp: 32.32 bits of seconds since 1900 (RFC 5905 section 6).
pub fn ntp() -> u64 {
    const FROM_1900_TO_1970: u64 = 2_208_988_800;
    let wall = read(libc::CLOCK_REALTIME);
    ((wall / SECOND + FROM_1900_TO_1970) << 32) | (((wall % SECOND) << 32) / SECOND)
}

fn read(clock: libc::clockid_t) -> Nanos {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is valid for writes, and the clocks above exist on every Linux.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}
