//! What is known of the link to a receiver.

use crate::time::Time;

/// The link to one receiver, now.
#[derive(Clone, Copy, Debug)]
pub struct Downstream {
    /// Milliseconds there and back.
    pub round_trip: Option<u64>,
    /// Bits per second that it is sent.
    pub delivered: u64,
    /// Whether packets get lost on it, though it is not full.
    pub lossy: bool,
    /// Whether packets queue up on it.
    pub full: bool,
    /// The time.
    pub now: Time,
}
