//! VP9 payload descriptors (RFC 9628 section 4.2), and sizes in the headers behind them.

use super::bits::Bits;
use super::{Picture, fits_within, picture_id};

const HAS_PICTURE_ID: u8 = 0x80;
const IS_PREDICTED: u8 = 0x40;
const HAS_LAYERS: u8 = 0x20;
const IS_FLEXIBLE: u8 = 0x10;
const STARTS_FRAME: u8 = 0x08;
const HAS_STRUCTURE: u8 = 0x02;

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

/// Sizes are in the scalability structure and in the header of each frame, also of one that is predicted: it may be
/// larger than what it is predicted from.
pub fn fits(payload: &[u8]) -> bool {
    let Some(&first) = payload.first() else { return true };
    let Some((at, structure_fits)) = descriptor(payload, first) else { return false };
    structure_fits && (first & STARTS_FRAME == 0 || payload.get(at..).and_then(frame_fits).unwrap_or(false))
}

/// Its length, and whether the sizes in it fit.
fn descriptor(payload: &[u8], first: u8) -> Option<(usize, bool)> {
    let (mut at, mut fits) = (1, true);
    if first & HAS_PICTURE_ID != 0 {
        at += if picture_id(payload, at)?.1 { 2 } else { 1 };
    }
    if first & HAS_LAYERS != 0 {
        at += if first & IS_FLEXIBLE != 0 { 1 } else { 2 };
    }
    if first & (IS_FLEXIBLE | IS_PREDICTED) == IS_FLEXIBLE | IS_PREDICTED {
        // Up to three differences; the last bit says that there is another.
        for _ in 0..3 {
            at += 1;
            if payload.get(at - 1)? & 1 == 0 {
                break;
            }
        }
    }
    if first & HAS_STRUCTURE != 0 {
        let structure = *payload.get(at)?;
        at += 1;
        if structure & 0x10 != 0 {
            for _ in 0..=structure >> 5 {
                let side = |at| crate::wire::bytes::u16_at(payload, at).map(u32::from);
                fits &= fits_within(side(at)?, side(at + 2)?);
                at += 4;
            }
        }
        if structure & 0x08 != 0 {
            let pictures = *payload.get(at)?;
            at += 1;
            for _ in 0..pictures {
                at += 1 + usize::from(payload.get(at)? >> 2 & 3);
            }
        }
    }
    Some((at, fits))
}

/// The uncompressed header (VP9 bitstream specification, section 6.2); None if it can't be read.
fn frame_fits(frame: &[u8]) -> Option<bool> {
    const FRAME_MARKER: u32 = 2;
    const SYNC_CODE: u32 = 0x49_83_42;
    let mut bits = Bits::new(frame);
    if bits.take(2)? != FRAME_MARKER {
        return None;
    }
    let profile = bits.take(1)? | bits.take(1)? << 1;
    bits.skip(usize::from(profile == 3))?;
    let shows_existing = bits.flag()?;
    if shows_existing {
        return Some(true);
    }
    let is_key = !bits.flag()?;
    let (is_shown, is_resilient) = (bits.flag()?, bits.flag()?);
    let is_intra = !is_key && !is_shown && bits.flag()?;
    if !is_key && !is_resilient {
        bits.skip(2)?;
    }
    if is_key || is_intra {
        if bits.take(24)? != SYNC_CODE {
            return None;
        }
        if is_key || profile > 0 {
            skip_color(&mut bits, profile)?;
        }
    }
    if !is_key {
        bits.skip(8)?;
    }
    if !is_key && !is_intra {
        // Three references with their signs; then, whether the size is that of one of them.
        bits.skip(12)?;
        for _ in 0..3 {
            if bits.flag()? {
                return Some(true);
            }
        }
    }
    Some(fits_within(bits.take(16)? + 1, bits.take(16)? + 1))
}

fn skip_color(bits: &mut Bits<'_>, profile: u32) -> Option<()> {
    const RGB: u32 = 7;
    bits.skip(usize::from(profile >= 2))?;
    let is_subsampled = profile & 1 == 1;
    if bits.take(3)? == RGB {
        bits.skip(usize::from(is_subsampled))
    } else {
        bits.skip(1 + if is_subsampled { 3 } else { 0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The header of a frame, with what follows the flags.
    fn frame(profile: u32, flags: &str, fields: &[(u32, usize)]) -> Vec<u8> {
        let mut text = format!("10{}{}{}{flags}", profile & 1, profile >> 1, if profile == 3 { "0" } else { "" });
        fields.iter().for_each(|(value, length)| text += &format!("{value:0length$b}"));
        text += "10000000";
        let bytes = text.as_bytes().chunks(8).map(|byte| byte.iter().fold(0, |number, bit| number << 1 | (bit - b'0')));
        bytes.collect()
    }

    /// Of a keyframe: shown, resilient.
    fn keyframe(profile: u32, width: u32, height: u32) -> Vec<u8> {
        let mut fields = vec![(0x49_83_42, 24)];
        fields.extend((profile >= 2).then_some((0, 1)));
        fields.extend([(1, 3), (0, 1)]);
        fields.extend((profile & 1 == 1).then_some((0, 3)));
        fields.extend([(width - 1, 16), (height - 1, 16)]);
        frame(profile, "0011", &fields)
    }

    #[test]
    fn a_frame_may_claim_what_cameras_have() {
        let with = |descriptor: &[u8], frame: &[u8]| [descriptor, frame].concat();
        for (width, height, fit) in [(640, 480, true), (4_096, 4_096, true), (4_097, 16, false), (16, 65_536, false)] {
            for profile in 0..4 {
                assert_eq!(fits(&with(&[0x88, 0x01], &keyframe(profile, width, height))), fit, "{profile}: {width}");
            }
            // Not shown, resilient, intra only; and predicted, of a size that none of its references has.
            let intra = frame(0, "01011", &[(0x49_83_42, 24), (0, 8), (width - 1, 16), (height - 1, 16)]);
            let predicted = frame(0, "0111", &[(0, 8), (0, 12), (0, 3), (width - 1, 16), (height - 1, 16)]);
            for frame in [intra, predicted] {
                assert_eq!(fits(&with(&[0xc8, 0x81, 0x01], &frame)), fit, "{width}x{height}");
                // In an upper layer, flexible, with three references.
                assert_eq!(fits(&with(&[0xf8, 0x01, 0x02, 3, 3, 2], &frame)), fit, "{width}x{height}");
            }
            let of_a_reference = frame(0, "0110", &[(0, 2), (0, 8), (0, 12), (1, 2), (width, 20)]);
            assert!(fits(&with(&[0xc8, 0x01], &of_a_reference)));
            assert!(fits(&with(&[0xc8, 0x01], &frame(0, "1", &[(0, 3)]))));
        }
    }

    #[test]
    fn the_scalability_structure_may_claim_no_more_either() {
        for (side, fit) in [(4_096_u16, true), (4_097, false)] {
            let sides = [[2, 128, 1, 224], [side.to_be_bytes()[0], side.to_be_bytes()[1], 1, 224]].concat();
            // Two layers, sizes, two pictures in a group with one and no reference.
            let packet = [&[0x8a, 0x01, 0x38], &sides[..], &[2, 0x14, 1, 0x00], &keyframe(0, 640, 480)].concat();
            assert_eq!(fits(&packet), fit);
        }
    }

    #[test]
    fn a_frame_whose_header_can_not_be_read_does_not_fit() {
        let whole = [&[0x88, 0x01], &keyframe(0, 640, 480)[..]].concat();
        for length in 1..9 {
            assert!(!fits(&whole[..length]), "{length}");
        }
        assert!(!fits(&[0x88, 0x01, 0x00, 0x49]));
        // What begins no frame has none.
        assert!(fits(&[0x80, 0x01, 0xff]) && fits(&[]));
        assert!(!fits(&[0x82, 0x01, 0xff]), "a structure that is cut");
    }

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
