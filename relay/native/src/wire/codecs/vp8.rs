//! VP8 payload descriptors (RFC 7741 section 4.2).

use super::{Picture, fits_within, picture_id};

struct Descriptor {
    length: usize,
    starts_first_partition: bool,
    picture: Option<Picture>,
}

fn parse(payload: &[u8]) -> Option<Descriptor> {
    let first = *payload.first()?;
    let starts_first_partition = first & 0x10 != 0 && first & 0x07 == 0;
    if first & 0x80 == 0 {
        return Some(Descriptor { length: 1, starts_first_partition, picture: None });
    }
    let present = *payload.get(1)?;
    let mut length = 2;
    let mut picture = None;
    if present & 0x80 != 0 {
        let (id, long) = picture_id(payload, length)?;
        picture = Some(Picture { id_at: length, id, long, base_layer: None });
        length += if long { 2 } else { 1 };
    }
    if present & 0x40 != 0 {
        let value = *payload.get(length)?;
        if let Some(picture) = &mut picture {
            picture.base_layer = Some((length, value));
        }
        length += 1;
    }
    if present & 0x30 != 0 {
        length += 1;
    }
    Some(Descriptor { length, starts_first_partition, picture })
}

/// The picture's numbers. TL0PICIDX without a picture id is left alone: no encoder writes that.
pub fn picture(payload: &[u8]) -> Option<Picture> {
    parse(payload)?.picture
}

/// The P bit of the first byte of the first partition is 0 in keyframes (RFC 6386 section 9.1).
pub fn starts_keyframe(payload: &[u8]) -> bool {
    parse(payload).is_some_and(|descriptor| {
        descriptor.starts_first_partition && payload.get(descriptor.length).is_some_and(|byte| byte & 1 == 0)
    })
}

/// A keyframe has its size behind a start code (RFC 6386 section 9.1); the upper two bits of each side scale it.
pub fn fits(payload: &[u8]) -> bool {
    if !starts_keyframe(payload) {
        return true;
    }
    let frame = parse(payload).and_then(|descriptor| payload.get(descriptor.length..));
    let Some([_, _, _, 0x9d, 0x01, 0x2a, sides @ ..]) = frame else { return false };
    let side = |at: usize| Some(u32::from(u16::from_le_bytes([*sides.get(at)?, *sides.get(at + 1)?]) & 0x3fff));
    side(0).zip(side(2)).is_some_and(|(width, height)| fits_within(width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyframe(width: u16, height: u16) -> Vec<u8> {
        let sides = [width.to_le_bytes(), height.to_le_bytes()].concat();
        [&[0x90, 0x80, 0x81, 0x02, 0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a], &sides[..], &[0xff; 20]].concat()
    }

    #[test]
    fn a_keyframe_may_claim_what_cameras_have() {
        for (width, height) in [(640, 480), (4_096, 4_096), (1_080, 1_920 | 0x4000)] {
            assert!(fits(&keyframe(width, height)), "{width}x{height}");
        }
        for (width, height) in [(4_097, 16), (16, 4_097), (16_383, 16_383)] {
            assert!(!fits(&keyframe(width, height)), "{width}x{height}");
        }
    }

    #[test]
    fn a_keyframe_without_its_whole_header_does_not_fit() {
        let whole = keyframe(640, 480);
        for length in 5..14 {
            assert!(!fits(&whole[..length]), "{length}");
        }
        let mut wrong = whole;
        wrong[7] = 0;
        assert!(!fits(&wrong));
        // What begins no keyframe has none.
        assert!(fits(&[0x10, 0x01]) && fits(&[0x00, 0x00]) && fits(&[]));
    }

    #[test]
    fn a_descriptor_with_a_key_index_alone_is_read() {
        // X; K, without I, L and T.
        assert!(starts_keyframe(&[0x90, 0x10, 0x05, 0x00]));
        assert!(!starts_keyframe(&[0x90, 0x10, 0x00, 0x01]));
    }

    #[test]
    fn a_full_descriptor_is_read() {
        let payload = [0x90, 0xf0, 0x92, 0x34, 0x56, 0x78, 0x10];
        let expected = Picture { id_at: 2, id: 0x1234, long: true, base_layer: Some((4, 0x56)) };
        assert_eq!(picture(&payload), Some(expected));
        assert!(starts_keyframe(&payload));
    }

    #[test]
    fn only_the_start_of_a_keyframe_starts_a_keyframe() {
        assert!(starts_keyframe(&[0x10, 0x00]));
        assert!(!starts_keyframe(&[0x10, 0x01]));
        assert!(!starts_keyframe(&[0x00, 0x00]));
        assert!(!starts_keyframe(&[0x11, 0x00]));
        assert!(!starts_keyframe(&[0x10]));
        assert!(!starts_keyframe(&[0x90, 0xf0, 0x92]));
    }
}
