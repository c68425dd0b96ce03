//! The media threads: what wakes them, what they share, and how Python reaches them.

pub mod directory;
pub mod events;
pub mod handle;
pub mod ordered;
mod orders;
pub mod shards;
mod tcp_worker;
mod worker;

#[cfg(test)]
mod tests;
