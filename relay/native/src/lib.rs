//! The native forwarding core.
//!
//! Inside, everything is sans-IO: [`exchange::Exchange`] takes datagrams, commands and the time, and
//! gives datagrams and events. Only [`net`] makes system calls, only [`worker`] and [`tcp_worker`]
//! read a clock, and only `python` knows Python. Nothing in here trusts a byte that came from the network.

pub mod agent;
pub mod allowance;
pub mod bindings;
pub mod bytes;
pub mod codec;
pub mod counters;
pub mod dtls;
pub mod exchange;
pub mod feedback;
pub mod flows;
pub mod forward;
pub mod framing;
pub mod handle;
pub mod net;
pub mod newcomers;
pub mod ordered;
pub mod outbox;
pub mod path;
pub mod path_validation;
#[cfg(feature = "python")]
mod python;
pub mod rtcp;
pub mod rtp;
pub mod srtp;
pub mod stun;
pub mod tcp_worker;
pub mod time;
pub mod worker;
