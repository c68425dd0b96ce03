//! The native forwarding core.
//!
//! Inside, everything is sans-IO: [`exchange::Exchange`] takes datagrams, commands and the time, and
//! gives datagrams and events. Only [`net`] makes system calls, and [`cache`] has memory from the system; only
//! [`threads`] read a clock, and only `python` knows Python. Nothing in here trusts a byte that came from the network.
//!
//! Modules use each other one way, from the last to the first of this list
//! (`tests/unit/test_structure_of_core.py` holds them to it):
//!
//! - [`ids`], [`time`], [`path`]: the nouns.
//! - [`wire`]: RTP, RTCP, STUN, DTLS records, framing over TCP, and payloads of codecs.
//! - [`tls`]: the server's side of TLS. Its tickets look at the clock, as the library has them.
//! - [`cache`]: the memory in which sent packets are kept.
//! - [`allowance`], [`counters`], [`outbox`]: what limits, what counts, and what is about to be sent.
//! - [`srtp`]: keys, sealing, opening.
//! - [`ice`]: who is where.
//! - [`tls`]: what is around TURN.
//! - [`turn`]: paths inside TURN, which ends in here.
//! - [`feedback`]: what senders are told of how their packets arrive.
//! - [`forward`]: one sender's stream becomes that of a slot.
//! - [`exchange`]: all peers together.
//! - [`net`]: system calls.
//! - [`threads`]: the loops around it all.

pub mod allowance;
pub mod cache;
pub mod counters;
pub mod exchange;
pub mod feedback;
pub mod forward;
pub mod ice;
pub mod ids;
pub mod net;
pub mod outbox;
pub mod path;
#[cfg(feature = "python")]
mod python;
pub mod srtp;
pub mod threads;
pub mod time;
pub mod tls;
pub mod turn;
pub mod wire;
