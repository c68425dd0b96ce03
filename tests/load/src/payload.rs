//! Payloads with stamps: VP8 (RFC 7741) and Opus (RFC 6716, 7587), written and read.

use crate::clip::{Clip, Piece};
use crate::stamp::{self, Stamp};

/// X and I set, a picture id of 15 bits: what Chromium writes for a single layer.
#[cfg(test)]
const DESCRIPTOR: usize = 4;
const START_OF_PARTITION: u8 = 0x10;

/// Frame tag of a made-up picture: version 0, shown, first partition of no size (RFC 6386 section 9.1).
const INTER_FRAME: [u8; 3] = [0x11, 0, 0];
/// The same for a keyframe, with the start code and 640x480.
const KEY_FRAME: [u8; 10] = [0x10, 0, 0, 0x9D, 0x01, 0x2A, 0x80, 0x02, 0xE0, 0x01];

/// 20 ms of digital silence as one CELT frame, followed by padding (RFC 6716 section 3.2.5, code 3):
/// decoders play it, and skip the stamp in the padding.
const SILENCE: [u8; 5] = [0xFB, 0x41, 0, 0xFF, 0xFE];
const PADDING_LENGTH: usize = 2;
/// The longest padding that one length byte can tell.
pub const LARGEST_AUDIO: usize = SILENCE.len() + 254;
/// A stamp has to fit.
pub const SMALLEST_AUDIO: usize = SILENCE.len() + stamp::SIZE;

static FILLER: [u8; 2_048] = [0xA5; 2_048];

/// Append a VP8 payload.
pub fn write_video(clip: &Clip, piece: &Piece, picture_id: u16, stamp: &Stamp, bytes: &mut Vec<u8>) {
    let start = if piece.is_first() { START_OF_PARTITION } else { 0 };
    bytes.extend_from_slice(&[0x80 | start, 0x80]);
    bytes.extend_from_slice(&(0x8000 | picture_id).to_be_bytes());
    match piece {
        Piece::Synthetic { is_key, is_first, .. } => {
            let body = bytes.len();
            match (is_first, is_key) {
                (true, true) => bytes.extend_from_slice(&KEY_FRAME),
                (true, false) => bytes.extend_from_slice(&INTER_FRAME),
                (false, _) => {}
            }
            let filler = clip.packet_bytes().saturating_sub(bytes.len() - body + stamp::SIZE);
            stamp.write(&FILLER[..filler], bytes);
        }
        Piece::Recorded { frame, range, is_last } => {
            bytes.extend_from_slice(clip.data(*frame, range));
            if *is_last {
                stamp.write(&[], bytes);
            }
        }
    }
}

/// Append an Opus payload of `size` bytes, between `SMALLEST_AUDIO` and `LARGEST_AUDIO`.
pub fn write_audio(size: usize, stamp: &Stamp, bytes: &mut Vec<u8>) {
    let start = bytes.len();
    bytes.extend_from_slice(&SILENCE);
    let padding = size - SILENCE.len();
    bytes[start + PADDING_LENGTH] = padding as u8;
    stamp.write(&FILLER[..padding - stamp::SIZE], bytes);
}

/// What a video payload shows.
#[derive(Debug, PartialEq)]
pub struct Video<'payload> {
    /// It begins a keyframe.
    pub begins_keyframe: bool,
    /// What follows the descriptor, and for a made-up clip the frame header.
    body: &'payload [u8],
}

impl Video<'_> {
    /// Take the descriptor off (RFC 7741 section 4.2). None when it is not well-formed.
    pub fn parse(payload: &[u8]) -> Option<Video<'_>> {
        let first = *payload.first()?;
        let mut length = 1;
        if first & 0x80 != 0 {
            let flags = *payload.get(1)?;
            length = 2;
            if flags & 0x80 != 0 {
                length += if payload.get(length)? & 0x80 != 0 { 2 } else { 1 };
            }
            length += usize::from(flags & 0x40 != 0) + usize::from(flags & 0x30 != 0);
        }
        let body = payload.get(length..)?;
        let begins_frame = first & (START_OF_PARTITION | 0x0F) == START_OF_PARTITION;
        let begins_keyframe = begins_frame && body.first()? & 1 == 0;
        let header = match (begins_frame, begins_keyframe) {
            (_, true) => KEY_FRAME.len(),
            (true, false) => INTER_FRAME.len(),
            (false, false) => 0,
        };
        Some(Video { begins_keyframe, body: body.get(header..).unwrap_or_default() })
    }

    /// The stamp of a packet that carries one.
    pub fn stamp(&self, clip: &Clip) -> Option<Stamp> {
        let skipped = if clip.is_recorded() { self.body.len().checked_sub(stamp::SIZE)? } else { 0 };
        Stamp::read(&self.body[skipped..])
    }
}

/// The stamp of an Opus payload.
pub fn audio_stamp(payload: &[u8]) -> Option<Stamp> {
    Stamp::read(payload.get(SILENCE.len()..)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Position;
    use crate::stamp::Kind;

    #[test]
    fn stamps_are_found_again_in_every_piece_of_a_synthetic_keyframe() {
        let clip = Clip::synthetic(1_000.0, 30.0, 1_136);
        for (counter, piece) in clip.next(&mut Position::default(), true).iter().enumerate() {
            let stamp = Stamp { sender: 1, counter: counter as u32, sent: 5, kind: Kind::Video };
            let mut bytes = Vec::new();
            write_video(&clip, piece, 77, &stamp, &mut bytes);
            assert_eq!(bytes.len(), DESCRIPTOR + 1_136);
            let video = Video::parse(&bytes).unwrap();
            assert_eq!(video.begins_keyframe, counter == 0);
            assert_eq!(video.stamp(&clip), Some(stamp));
        }
    }

    #[test]
    fn audio_is_silence_with_a_stamp_in_its_padding() {
        let stamp = Stamp { sender: 1, counter: 2, sent: 3, kind: Kind::Audio };
        let mut bytes = Vec::new();
        write_audio(100, &stamp, &mut bytes);
        assert_eq!((bytes.len(), usize::from(bytes[PADDING_LENGTH])), (100, 95));
        assert_eq!(audio_stamp(&bytes), Some(stamp));
    }

    #[test]
    fn a_descriptor_that_is_cut_off_is_refused() {
        for length in 0..4 {
            assert_eq!(Video::parse(&[0x90, 0x80, 0x80, 0x01][..length]), None);
        }
    }
}
