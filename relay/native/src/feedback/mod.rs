//! What we tell senders about how their packets arrive.

pub mod reception;
pub mod transport;
