//! The only module that makes system calls.
//!
//! Sockets, batches of datagrams, wake-ups between threads, and waiting. `unsafe` lives here and nowhere else;
//! each block says why it is sound.

mod address;
mod flows;
mod receive;
mod send;
mod socket;
mod stream;
mod wake;

pub use flows::{Ended, Flow, Flows};
pub use receive::{BATCH, Receiver};
pub use send::Sender;
pub use socket::{Bound, Buffers};
pub use stream::{Poll, Ready, Stream};
pub use wake::{Wake, precise_timers, wait_readable};
