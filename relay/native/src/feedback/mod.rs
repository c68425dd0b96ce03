//! What we tell senders about how their packets arrive.

pub mod cap;
pub mod misses;
pub mod reception;
pub mod transport;

/// Average loss, in sixteenths of a 256th, from which on a link is lossy: 1 %.
pub const LOSSY: u32 = 40;
