//! Points in time, as the worker hands them in. Nothing else reads a clock.

/// Nanoseconds in a second.
const SECOND: u64 = 1_000_000_000;

/// A point on the monotonic clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(u64);

impl Time {
    /// From nanoseconds since an arbitrary origin.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since an arbitrary origin.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000_000)
    }

    /// This point plus some milliseconds.
    pub const fn plus_millis(self, millis: u64) -> Self {
        Self(self.0 + millis * 1_000_000)
    }

    /// Nanoseconds since `earlier`; 0 if that lies ahead.
    pub const fn nanos_since(self, earlier: Time) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Whole milliseconds since `earlier`; 0 if that lies ahead.
    pub const fn millis_since(self, earlier: Time) -> u64 {
        self.nanos_since(earlier) / 1_000_000
    }

    /// Time since `earlier` in units of a clock of `rate` per second.
    pub const fn units_since(self, earlier: Time, rate: u32) -> u64 {
        (self.nanos_since(earlier) as u128 * rate as u128 / SECOND as u128) as u64
    }

    /// Whole milliseconds since the clock's origin, from 0 again every seven weeks.
    pub const fn millis(self) -> u32 {
        (self.0 / 1_000_000) as u32
    }

    /// Nanoseconds since the clock's origin.
    pub const fn nanos(self) -> u64 {
        self.0
    }
}

/// Turns the monotonic clock into NTP time (RFC 5905 section 6) that never jumps.
#[derive(Clone, Copy, Debug)]
pub struct NtpClock {
    origin: u64,
}

impl NtpClock {
    /// `unix_nanos` is the wall clock at the monotonic point `now`.
    pub fn new(unix_nanos: u64, now: Time) -> Self {
        // Seconds between the NTP epoch (1900) and the Unix epoch (1970).
        const EPOCHS: u64 = 2_208_988_800;
        let unix = ntp_units(unix_nanos).wrapping_add(EPOCHS << 32);
        Self { origin: unix.wrapping_sub(ntp_units(now.nanos())) }
    }

    /// 64-bit NTP timestamp: seconds, and fraction in the lower half.
    pub fn timestamp(&self, now: Time) -> u64 {
        self.origin.wrapping_add(ntp_units(now.nanos()))
    }

    /// The 24-bit 6.18 fixed point of the abs-send-time extension.
    pub fn abs_send_time(&self, now: Time) -> u32 {
        (self.timestamp(now) >> 14) as u32 & 0x00ff_ffff
    }
}

fn ntp_units(nanos: u64) -> u64 {
    (((nanos as u128) << 32) / SECOND as u128) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abs_send_time_has_18_bits_of_fraction() {
        let clock = NtpClock::new(0, Time::default());
        let (start, later) = (clock.abs_send_time(Time::default()), clock.abs_send_time(Time::from_millis(500)));
        assert_eq!(later.wrapping_sub(start) & 0xff_ffff, 1 << 17);
    }

    #[test]
    fn ntp_time_runs_from_the_unix_wall_clock() {
        let clock = NtpClock::new(1_500 * 1_000_000, Time::from_millis(1_000));
        assert_eq!(clock.timestamp(Time::from_millis(2_000)), (2_208_988_802_u64 << 32) + (1 << 31));
    }

    #[test]
    fn units_do_not_overflow_after_years() {
        let years = Time::from_nanos(u64::MAX / 2);
        assert!(years.units_since(Time::default(), 90_000) > 0);
    }
}
