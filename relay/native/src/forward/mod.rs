//! Turns what one sender sends into one continuous stream per slot, across any number of senders.

pub mod budget;
pub mod downstream;
pub mod keyframes;
pub mod line;
pub mod picture;
pub mod playout;
pub mod sender_clock;
pub mod sent;
pub mod sequence;
pub mod slot;
pub mod timeline;
