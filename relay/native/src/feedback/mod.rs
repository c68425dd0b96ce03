//! What we tell senders about how their packets arrive.

pub mod cap;
pub mod misses;
pub mod reception;
pub mod transport;
