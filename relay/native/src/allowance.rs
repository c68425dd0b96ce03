//! How much one peer may send, in authentic packets: nobody's flood is forwarded to somebody else.

use crate::time::Time;

/// RTP and RTCP packets a second: 30 Mbit/s of full ones. A browser at its best sends a thousand.
pub(crate) const MEDIA: Allowance = Allowance::new(2_500);

/// DTLS datagrams a second: a whole handshake has fewer than ten. They are not authenticated, so that this
/// is also what a forged source address can cost Python.
pub(crate) const DTLS: Allowance = Allowance::new(50);

/// Checks a second: ICE sends one in 5 ms at most (RFC 8445 section 14.2). Each has an answer and may move the flow, of
/// which Python is told.
pub(crate) const CHECKS: Allowance = Allowance::new(200);

/// Answers a second to those at one address who ask for a TURN allocation over UDP and have not signed yet. A browser has
/// a few, one for each of its networks.
pub(crate) const STRANGERS: Allowance = Allowance::new(20);

/// Packets a second that a receiver may complain of.
pub(crate) const COMPLAINTS: Allowance = Allowance::new(2_500);

/// How many times what it is told to keep to a peer may send, for probes, retransmissions and the second that it takes
/// to follow; and bits per second that everybody may.
const EXCESS: u64 = 3;
const LEAST: u64 = 1_500_000;

/// A number of packets, or of bytes, a second; what was used is forgotten after each.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Allowance {
    per_second: u32,
    used: u32,
    since: Time,
}

impl Allowance {
    const fn new(per_second: u32) -> Self {
        Self { per_second, used: 0, since: Time::from_millis(0) }
    }

    /// Bytes a second of a peer that should send so many bits per second at most.
    pub(crate) fn bytes(bitrate: u64) -> Self {
        Self::new(u32::try_from((EXCESS.saturating_mul(bitrate)).max(LEAST) / 8).unwrap_or(u32::MAX))
    }

    /// Take one; false if this second's are used up.
    pub(crate) fn take(&mut self, now: Time) -> bool {
        self.take_all(1, now)
    }

    /// Whether nothing of this second's is left.
    pub(crate) fn is_used_up(&self, now: Time) -> bool {
        self.used >= self.per_second && now.millis_since(self.since) < 1_000
    }

    /// Take so many; false if that is more than is left.
    pub(crate) fn take_all(&mut self, amount: u32, now: Time) -> bool {
        if now.millis_since(self.since) >= 1_000 {
            (self.since, self.used) = (now, 0);
        }
        self.used = self.used.saturating_add(amount);
        self.used <= self.per_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_may_send_three_times_what_it_should_and_a_little_in_any_case() {
        let allowed = |bitrate| Allowance::bytes(bitrate).per_second;
        assert_eq!([0, 64_000, 2_500_000].map(allowed), [187_500, 187_500, 937_500]);
        assert_eq!(allowed(u64::MAX), u32::MAX);
    }

    #[test]
    fn what_was_used_is_forgotten_after_a_second() {
        let mut allowance = Allowance::new(10);
        assert!(allowance.take_all(10, Time::from_millis(5_000)));
        assert!(!allowance.take(Time::from_millis(5_999)) && allowance.is_used_up(Time::from_millis(5_999)));
        assert!(!allowance.is_used_up(Time::from_millis(6_000)) && allowance.take(Time::from_millis(6_000)));
    }
}
