//! SRTP and SRTCP (RFC 3711, RFC 7714): one [`Inbound`] and one [`Outbound`] per peer, ever.
//!
//! Two users of one key would reuse nonces, so an `Outbound` also refuses to seal one packet index
//! twice.

mod cipher;
mod inbound;
mod keys;
mod outbound;
mod window;

pub use inbound::{Inbound, Refused};
pub use keys::{Keys, Profile};
pub use outbound::Outbound;
pub use window::Window;

/// Streams for which one direction of one peer keeps a replay window: six sections with
/// retransmissions, and room for a browser that changes an SSRC.
pub const STREAMS_PER_PEER: usize = 32;

#[cfg(test)]
mod tests;
