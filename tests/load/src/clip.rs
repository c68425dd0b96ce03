//! A VP8 clip to send: read from an IVF file, or made up.
//!
//! A made-up clip has the packet sizes of a real one but nothing to decode. Its packets all have the
//! same size, and each carries a stamp. In a real clip only the last packet of a frame does, behind
//! the data: VP8's last partition ends where the decoder stops reading (RFC 6386 section 9.5).

use std::io;
use std::ops::Range;
use std::path::Path;

use crate::stamp;

/// Payload bytes of a packet of a real clip, as browsers cut them.
const LARGEST_PIECE: usize = 1_160;
/// How much larger a made-up keyframe is than other frames.
const KEYFRAME_FACTOR: f64 = 3.0;

const IVF_FILE_HEADER: usize = 32;
const IVF_FRAME_HEADER: usize = 12;

/// What all people send.
pub enum Clip {
    Synthetic { packet_bytes: usize, packets_per_frame: f64 },
    Recorded(Vec<Frame>),
}

/// One encoded picture.
pub struct Frame {
    data: Vec<u8>,
    is_key: bool,
}

/// What one packet shows of which frame.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    Synthetic { is_key: bool, is_first: bool, is_last: bool },
    Recorded { frame: usize, range: Range<usize>, is_last: bool },
}

/// Where one person is in the clip.
#[derive(Default)]
pub struct Position {
    next_frame: usize,
    /// Packets of made-up frames that are due, in fractions.
    owed: f64,
}

impl Clip {
    /// Made-up frames of this rate.
    pub fn synthetic(kilobits_per_second: f64, frames_per_second: f64, packet_bytes: usize) -> Self {
        let bytes_per_frame = kilobits_per_second * 125.0 / frames_per_second;
        Self::Synthetic { packet_bytes, packets_per_frame: bytes_per_frame / packet_bytes as f64 }
    }

    /// The frames of an IVF file, which begins with a keyframe.
    pub fn load(path: &Path) -> io::Result<Self> {
        let invalid = |sentence| io::Error::new(io::ErrorKind::InvalidData, sentence);
        let file = std::fs::read(path)?;
        if !file.starts_with(b"DKIF") || file.get(8..12) != Some(b"VP80") {
            return Err(invalid("not an IVF file with VP8"));
        }
        let mut rest = file.get(IVF_FILE_HEADER..).unwrap_or_default();
        let mut frames = Vec::new();
        while let Some((header, behind)) = rest.split_at_checked(IVF_FRAME_HEADER) {
            let size = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
            let (data, behind) = behind.split_at_checked(size).ok_or_else(|| invalid("the last frame is cut off"))?;
            let first = *data.first().ok_or_else(|| invalid("a frame is empty"))?;
            // The lowest bit of the frame tag is 0 in keyframes (RFC 6386 section 9.1).
            frames.push(Frame { data: data.to_vec(), is_key: first & 1 == 0 });
            rest = behind;
        }
        if !frames.first().is_some_and(|frame| frame.is_key) {
            return Err(invalid("the clip does not begin with a keyframe"));
        }
        Ok(Self::Recorded(frames))
    }

    /// Whether the pictures can be decoded, and only the last packet of each has a stamp.
    pub fn is_recorded(&self) -> bool {
        matches!(self, Self::Recorded(_))
    }

    /// The packets of the next frame; with `wants_key`, of the next keyframe.
    pub fn next(&self, position: &mut Position, wants_key: bool) -> Vec<Piece> {
        match self {
            Self::Synthetic { packets_per_frame, .. } => {
                position.owed += packets_per_frame * if wants_key { KEYFRAME_FACTOR } else { 1.0 };
                let amount = position.owed.floor().max(1.0) as usize;
                position.owed -= amount as f64;
                (0..amount)
                    .map(|piece| Piece::Synthetic {
                        is_key: wants_key,
                        is_first: piece == 0,
                        is_last: piece + 1 == amount,
                    })
                    .collect()
            }
            Self::Recorded(frames) => {
                let mut frame = position.next_frame % frames.len();
                while wants_key && !frames[frame].is_key {
                    frame = (frame + 1) % frames.len();
                }
                position.next_frame = frame + 1;
                let size = frames[frame].data.len();
                let amount = (size + stamp::SIZE).div_ceil(LARGEST_PIECE);
                (0..amount)
                    .map(|piece| Piece::Recorded {
                        frame,
                        range: size * piece / amount..size * (piece + 1) / amount,
                        is_last: piece + 1 == amount,
                    })
                    .collect()
            }
        }
    }

    /// The encoded bytes of a piece of a recorded clip.
    pub fn data(&self, frame: usize, range: &Range<usize>) -> &[u8] {
        match self {
            Self::Recorded(frames) => &frames[frame].data[range.clone()],
            Self::Synthetic { .. } => &[],
        }
    }

    /// Payload bytes of a made-up packet behind the descriptor.
    pub fn packet_bytes(&self) -> usize {
        match self {
            Self::Synthetic { packet_bytes, .. } => *packet_bytes,
            Self::Recorded(_) => LARGEST_PIECE,
        }
    }
}

impl Piece {
    pub fn is_first(&self) -> bool {
        match self {
            Self::Synthetic { is_first, .. } => *is_first,
            Self::Recorded { range, .. } => range.start == 0,
        }
    }

    pub fn is_last(&self) -> bool {
        match self {
            Self::Synthetic { is_last, .. } | Self::Recorded { is_last, .. } => *is_last,
        }
    }

    pub fn is_stamped(&self) -> bool {
        matches!(self, Self::Synthetic { .. }) || self.is_last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_synthetic_clip_keeps_its_rate() {
        let clip = Clip::synthetic(1_000.0, 30.0, 1_136);
        let mut position = Position::default();
        let packets: usize = (0..300).map(|_| clip.next(&mut position, false).len()).sum();
        assert_eq!(packets, 1_100);
    }

    #[test]
    fn a_recorded_clip_jumps_to_a_keyframe_when_asked() {
        let frame = |is_key, size| Frame { data: vec![0; size], is_key };
        let clip = Clip::Recorded(vec![frame(true, 3_000), frame(false, 10), frame(false, 10), frame(true, 10)]);
        let mut position = Position::default();
        assert_eq!(clip.next(&mut position, false).len(), 3);
        let pieces = clip.next(&mut position, true);
        assert_eq!(pieces, [Piece::Recorded { frame: 3, range: 0..10, is_last: true }]);
        assert_eq!(clip.next(&mut position, false)[0], Piece::Recorded { frame: 0, range: 0..1_000, is_last: false });
    }
}
