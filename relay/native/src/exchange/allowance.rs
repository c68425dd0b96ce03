//! How much one peer may send, in authentic packets: nobody's flood is forwarded to somebody else.

use crate::time::Time;

/// RTP and RTCP packets a second: 30 Mbit/s of full ones. A browser at its best sends a thousand.
pub(super) const MEDIA: Allowance = Allowance::new(2_500);

/// DTLS datagrams a second: a whole handshake has fewer than ten. They are not authenticated, so that this
/// is also what a forged source address can cost Python.
pub(super) const DTLS: Allowance = Allowance::new(50);

/// Packets a second that a receiver may complain of.
pub(super) const COMPLAINTS: Allowance = Allowance::new(2_500);

/// A number of packets a second; what was used is forgotten after each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Allowance {
    per_second: u32,
    used: u32,
    since: Time,
}

impl Allowance {
    const fn new(per_second: u32) -> Self {
        Self { per_second, used: 0, since: Time::from_millis(0) }
    }

    /// Take one; false if this second's are used up.
    pub(super) fn take(&mut self, now: Time) -> bool {
        if now.millis_since(self.since) >= 1_000 {
            (self.since, self.used) = (now, 0);
        }
        self.used += 1;
        self.used <= self.per_second
    }
}
