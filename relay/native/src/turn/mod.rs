//! A TURN server (RFC 8656) that relays to nobody but us: for browsers whose networks let nothing else out.
//!
//! An allocation opens no port and sends no packet. What a client sends to its peer, which can only be the media port, is
//! taken in at once, as if it had come from the relayed address; what goes to that address is given back to the client.
//! So it is one more kind of path, and neither a way to other hosts nor one between strangers.

mod nonces;
mod routes;
mod server;
mod strangers;

#[cfg(test)]
mod tests;

pub use self::routes::{Route, Routes};
pub use self::server::{Carried, Client, TurnServer};
