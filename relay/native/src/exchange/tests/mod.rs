//! The exchange in simulated time. What plays the browsers is in `world.rs`.
#![allow(clippy::unwrap_used)]

mod abuse;
mod admission;
mod cap;
mod consent;
mod counted;
mod keyframe;
mod line;
mod lossy;
mod recovery;
mod report;
mod return_path;
mod seat;
mod stream;
mod transcoder;
mod turn;
pub(crate) mod world;
