//! Several shards: in simulated time by one thread (`moving.rs`), and by many at once (`stress.rs`, and `model.rs`
//! for figures).
#![allow(clippy::unwrap_used)]

mod model;
mod moving;
mod stress;
mod world;
