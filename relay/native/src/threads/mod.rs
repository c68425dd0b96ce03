//! The media threads: what wakes them, what they share, and how Python reaches them.

pub mod events;
pub mod handle;
mod ordered;
mod tcp_worker;
mod worker;
