//! VP9 payload descriptors (RFC 9628 section 4.2).

use super::{Picture, picture_id};

const HAS_PICTURE_ID: u8 = 0x80;
const IS_PREDICTED: u8 = 0x40;
const HAS_LAYERS: u8 = 0x20;
const IS_FLEXIBLE: u8 = 0x10;
const STARTS_FRAME: u8 = 0x08;

/// The picture's numbers. TL0PICIDX is there only in non-flexible mode, behind the layer byte.
pub fn picture(payload: &[u8]) -> Option<Picture> {
    let first = *payload.first()?;
    if first & HAS_PICTURE_ID == 0 {
        return None;
    }
    let (id, long) = picture_id(payload, 1)?;
    let behind = if long { 3 } else { 2 };
    let base_layer = if first & HAS_LAYERS != 0 && first & IS_FLEXIBLE == 0 {
        Some((behind + 1, *payload.get(behind + 1)?))
    } else {
        None
    };
    Some(Picture { id_at: 1, id, long, base_layer })
}

/// Begins a frame that is not predicted from another picture, in the lowest spatial layer.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else { return false };
    if first & IS_PREDICTED != 0 || first & STARTS_FRAME == 0 {
        return false;
    }
    if first & HAS_LAYERS == 0 {
        return payload.len() > 1;
    }
    let at = match first & HAS_PICTURE_ID {
        0 => 1,
        _ => match picture_id(payload, 1) {
            Some((_, long)) => 2 + usize::from(long),
            None => return false,
        },
    };
    // Spatial layer id, bits 1 to 3: an upper layer of the same picture may be unpredicted too.
    payload.get(at).is_some_and(|layers| layers >> 1 & 7 == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flexible_and_fixed_layouts_are_read() {
        let fixed = [0xa8, 0x81, 0x02, 0x00, 0x07, 0xff];
        assert_eq!(picture(&fixed), Some(Picture { id_at: 1, id: 0x102, long: true, base_layer: Some((4, 7)) }));
        let flexible = [0xb8, 0x05, 0x00, 0xff];
        assert_eq!(picture(&flexible), Some(Picture { id_at: 1, id: 5, long: false, base_layer: None }));
        assert_eq!(picture(&[0x28, 0x00]), None);
    }

    #[test]
    fn a_keyframe_is_unpredicted_begins_a_frame_and_is_of_the_lowest_layer() {
        assert!(starts_keyframe(&[0x88, 0x01, 0xff]));
        assert!(!starts_keyframe(&[0xc8, 0x01, 0xff]));
        assert!(!starts_keyframe(&[0x80, 0x01, 0xff]));
        assert!(starts_keyframe(&[0xa8, 0x01, 0x00, 0x00]));
        assert!(!starts_keyframe(&[0xa8, 0x01, 0x02, 0x00]));
        assert!(!starts_keyframe(&[0xa8, 0x81]));
    }
}
