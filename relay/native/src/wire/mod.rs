//! What is on the wire, byte by byte. Pure: bytes in, values out, and back.

pub mod bytes;
pub mod codecs;
pub mod dtls;
pub mod framing;
pub mod rtcp;
pub mod rtp;
pub mod stun;
pub mod turn;
