//! VP8 payload descriptors (RFC 7741 section 4.2).

use super::{Picture, picture_id};

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

#[cfg(test)]
mod tests {
    use super::*;

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
