//! Several shards: in simulated time by one thread (`moving.rs`), and by many at once (`stress.rs`).
#![allow(clippy::unwrap_used)]

mod moving;
mod stress;
mod world;
