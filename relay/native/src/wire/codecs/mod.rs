//! What the relay knows of payloads: where a keyframe begins, how large pictures claim to be, and where VP8 and VP9
//! number them.
//!
//! Nothing is decoded. A payload that is cut short or makes no sense is no keyframe and has no
//! numbers; the decoder at its destination is the judge of it. Only a size that should be there has to be readable: a
//! decoder makes room for what a header claims before it sees that there is nothing behind it.

pub mod av1;
mod bits;
pub mod h264;
pub mod vp8;
pub mod vp9;

/// The longest side that a picture may claim. Cameras end at 3840, screens that are shared are scaled to it.
const LONGEST_SIDE: u32 = 4_096;

/// Codecs that are forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Codec {
    Opus,
    Vp8,
    H264,
    Vp9,
    Av1,
}

impl Codec {
    /// By its SDP name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [("opus", Self::Opus), ("VP8", Self::Vp8), ("H264", Self::H264), ("VP9", Self::Vp9), ("AV1", Self::Av1)]
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, codec)| codec)
    }

    /// Units of its RTP timestamps per second.
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            _ => 90_000,
        }
    }

    /// Whether a decoder can begin with this payload.
    pub fn starts_keyframe(self, payload: &[u8]) -> bool {
        match self {
            Self::Opus => true,
            Self::Vp8 => vp8::starts_keyframe(payload),
            Self::H264 => h264::starts_keyframe(payload),
            Self::Vp9 => vp9::starts_keyframe(payload),
            Self::Av1 => av1::starts_keyframe(payload),
        }
    }

    /// Whether no picture that begins here claims to be larger than any camera's. One whose size can't be read does not
    /// fit.
    pub fn fits(self, payload: &[u8]) -> bool {
        match self {
            Self::Opus => true,
            Self::Vp8 => vp8::fits(payload),
            Self::H264 => h264::fits(payload),
            Self::Vp9 => vp9::fits(payload),
            Self::Av1 => av1::fits(payload),
        }
    }

    /// Where the payload numbers its picture, if its codec does.
    pub fn picture(self, payload: &[u8]) -> Option<Picture> {
        match self {
            Self::Vp8 => vp8::picture(payload),
            Self::Vp9 => vp9::picture(payload),
            Self::Opus | Self::H264 | Self::Av1 => None,
        }
    }
}

/// Of what is not there, nothing is too large.
fn fits_within(width: u32, height: u32) -> bool {
    width <= LONGEST_SIDE && height <= LONGEST_SIDE
}

/// Numbers in a VP8 or VP9 payload descriptor, and where they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Offset of the picture id.
    pub id_at: usize,
    /// The picture id, of 7 or 15 bits.
    pub id: u16,
    /// Whether it has 15 bits.
    pub long: bool,
    /// Offset and value of TL0PICIDX, the 8-bit number of the latest picture of the base layer.
    pub base_layer: Option<(usize, u8)>,
}

/// The picture id at `at`, in one or two bytes (RFC 7741 section 4.2, RFC 9628 section 4.2).
fn picture_id(payload: &[u8], at: usize) -> Option<(u16, bool)> {
    let first = *payload.get(at)?;
    if first & 0x80 == 0 {
        return Some((u16::from(first), false));
    }
    Some((crate::wire::bytes::u16_at(payload, at)? & 0x7fff, true))
}
