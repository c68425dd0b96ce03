//! H264 NAL units in RTP (RFC 6184), non-interleaved: single units, STAP-A and FU-A.

use super::bits::Bits;
use super::fits_within;

const IDR: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Encoders repeat the parameter sets before each IDR picture; whichever comes first begins it.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    match payload.first().map(unit_type) {
        Some(STAP_A) => aggregated(payload).any(|unit| unit.first().is_some_and(|header| begins(unit_type(header)))),
        // The first fragment of a unit, whose type is in the FU header (section 5.8).
        Some(FU_A) => payload.get(1).is_some_and(|header| header & 0x80 != 0 && begins(unit_type(header))),
        Some(single) => begins(single),
        None => false,
    }
}

const fn begins(unit: u8) -> bool {
    matches!(unit, IDR | SEQUENCE_PARAMETERS)
}

fn unit_type(byte: &u8) -> u8 {
    byte & 31
}

/// Sizes are in sequence parameter sets. One in fragments can't be read: none is that long.
pub fn fits(payload: &[u8]) -> bool {
    match payload.first().map(unit_type) {
        Some(STAP_A) => aggregated(payload).all(fits_alone),
        Some(FU_A) => payload.get(1).is_none_or(|header| unit_type(header) != SEQUENCE_PARAMETERS),
        _ => fits_alone(payload),
    }
}

fn fits_alone(unit: &[u8]) -> bool {
    if unit.first().map(unit_type) != Some(SEQUENCE_PARAMETERS) {
        return true;
    }
    coded_size(&unescaped(&unit[1..])).is_some_and(|(width, height)| fits_within(width, height))
}

/// Bytes that escape a start code are no content (ITU-T H.264 section 7.3.1). What follows the size does not matter.
fn unescaped(unit: &[u8]) -> Vec<u8> {
    const FAR_ENOUGH: usize = 512;
    let (mut bytes, mut zeros) = (Vec::with_capacity(unit.len().min(FAR_ENOUGH)), 0);
    for &byte in unit.iter().take(FAR_ENOUGH) {
        if byte == 3 && zeros >= 2 {
            zeros = 0;
            continue;
        }
        zeros = if byte == 0 { zeros + 1 } else { 0 };
        bytes.push(byte);
    }
    bytes
}

/// Width and height of the pictures as coded, which is what decoders make room for; cropping only hides some of it
/// (ITU-T H.264 section 7.3.2.1.1).
fn coded_size(parameters: &[u8]) -> Option<(u32, u32)> {
    /// Profiles that say more about colour.
    const HIGH: [u32; 13] = [100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135];
    /// Longer cycles of picture order do not exist.
    const LONGEST_CYCLE: u32 = 255;
    const MACROBLOCK: u32 = 16;
    let mut bits = Bits::new(parameters);
    let profile = bits.take(8)?;
    bits.skip(16)?;
    bits.golomb()?;
    if HIGH.contains(&profile) {
        let chroma = bits.golomb()?;
        bits.skip(usize::from(chroma == 3))?;
        bits.golomb()?;
        bits.golomb()?;
        bits.skip(1)?;
        if bits.flag()? {
            for list in 0..if chroma == 3 { 12 } else { 8 } {
                if bits.flag()? {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => {
            bits.skip(1)?;
            bits.golomb()?;
            bits.golomb()?;
            let cycle = bits.golomb().filter(|cycle| *cycle <= LONGEST_CYCLE)?;
            for _ in 0..cycle {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.skip(1)?;
    let (width, height) = (bits.golomb()?, bits.golomb()?);
    // Of fields there are two in a frame.
    let fields = if bits.flag()? { 1 } else { 2 };
    let side = |macroblocks: u32, fields: u32| macroblocks.checked_add(1)?.checked_mul(MACROBLOCK)?.checked_mul(fields);
    side(width, 1).zip(side(height, fields))
}

fn skip_scaling_list(bits: &mut Bits<'_>, size: usize) -> Option<()> {
    let (mut last, mut next) = (8, 8);
    for _ in 0..size {
        if next != 0 {
            next = (last + bits.signed_golomb()?).rem_euclid(256);
        }
        last = if next == 0 { last } else { next };
    }
    Some(())
}

/// The units in a STAP-A: each has a 16-bit size before it (section 5.7.1).
fn aggregated(payload: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let size = usize::from(crate::wire::bytes::u16_at(payload, at)?);
        let unit = payload.get(at + 2..at + 2 + size)?;
        at += 2 + size;
        Some(unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Appends bits.
    #[derive(Default)]
    struct Writer(Vec<bool>);

    impl Writer {
        fn put(mut self, number: u64, count: usize) -> Self {
            self.0.extend((0..count).rev().map(|bit| number >> bit & 1 == 1));
            self
        }

        fn golomb(self, number: u64) -> Self {
            let length = (number + 1).ilog2() as usize;
            self.put(number + 1, 2 * length + 1)
        }

        fn unit(self) -> Vec<u8> {
            let mut bits = self.0;
            bits.push(true);
            bits.resize(bits.len().next_multiple_of(8), false);
            let bytes = bits.chunks(8).map(|byte| byte.iter().fold(0, |number, bit| number << 1 | u8::from(*bit)));
            let mut unit = vec![0x67];
            for byte in bytes {
                if byte <= 3 && unit.ends_with(&[0, 0]) {
                    unit.push(3);
                }
                unit.push(byte);
            }
            unit
        }
    }

    /// Sequence parameters of so many macroblocks; cropped, if that makes a difference.
    fn parameters(profile: u64, width: u64, height: u64, frames: bool) -> Vec<u8> {
        let mut writer = Writer::default().put(profile, 8).put(0xe0, 8).put(31, 8).golomb(0);
        if profile == 100 {
            // 4:2:0 with one scaling list of differences.
            writer = writer.golomb(1).golomb(0).golomb(0).put(0, 1).put(1, 1).put(1, 1);
            writer = (0..16).fold(writer, |writer, _| writer.golomb(1)).put(0, 7);
        }
        let order = writer.golomb(0).golomb(1).put(1, 1).golomb(0).golomb(0).golomb(2).golomb(3).golomb(4);
        let size = order.golomb(1).put(0, 1).golomb(width - 1).golomb(height - 1).put(u64::from(frames), 1);
        size.put(0, u64::from(!frames) as usize).put(1, 1).put(1, 1).golomb(0).golomb(100).golomb(0).golomb(100).unit()
    }

    #[test]
    fn parameters_may_claim_what_cameras_have_and_cropping_makes_nothing_smaller() {
        for profile in [66, 100] {
            for (width, height, frames, fit) in [
                (40, 30, true, true),
                (256, 256, true, true),
                (257, 1, true, false),
                (1, 257, true, false),
                (120, 129, false, false),
                (120, 68, false, true),
                (1_024, 1_024, true, false),
            ] {
                let unit = parameters(profile, width, height, frames);
                assert_eq!(fits(&unit), fit, "{width}x{height} {frames}");
                let size = (unit.len() as u16).to_be_bytes();
                let packed = [&[0x78, 0, 1, 0x06], &size[..], &unit[..], &[0, 1, 0x65]].concat();
                assert_eq!(fits(&packed), fit, "packed {width}x{height}");
            }
        }
    }

    #[test]
    fn parameters_are_read_without_what_escapes_start_codes() {
        let sized = |width: u64| {
            let order = Writer::default().put(66, 8).put(0xe0, 8).put(31, 8).golomb(0).golomb((1 << 30) - 1);
            let size = order.golomb(0).golomb(0).golomb(1).put(0, 1).golomb(width - 1).golomb(29).put(1, 1);
            size.unit()
        };
        assert!(sized(40).windows(3).any(|bytes| bytes == [0, 0, 3]));
        assert_eq!([40, 256, 257, 400].map(|width| fits(&sized(width))), [true, true, false, false]);
    }

    #[test]
    fn parameters_that_can_not_be_read_do_not_fit() {
        let unit = parameters(66, 40, 30, true);
        for length in 1..10 {
            assert!(!fits(&unit[..length]), "{length}");
        }
        assert!(!fits(&[0x67; 4]));
        // In fragments, and with numbers that no picture has.
        assert!(!fits(&[0x7c, 0x87, 0x42]) && !fits(&[0x7c, 0x07, 0x42]));
        let order = Writer::default().put(66, 8).put(0xe0, 8).put(31, 8).golomb(0).golomb(0).golomb(2).golomb(1);
        assert!(!fits(&order.put(0, 1).golomb(0xffff_fffe).golomb(0xffff_fffe).put(1, 1).unit()));
        // Pictures have no size of their own.
        assert!(fits(&[0x65, 0x88]) && fits(&[0x7c, 0x85, 0x88]) && fits(&[]) && fits(&[0x78, 0, 9, 0x67]));
    }

    #[test]
    fn parameter_sets_and_idr_pictures_start_keyframes_however_they_are_packed() {
        assert!(starts_keyframe(&[0x67, 0x42]));
        assert!(starts_keyframe(&[0x65, 0x88]));
        assert!(!starts_keyframe(&[0x41, 0x9a]));
        assert!(starts_keyframe(&[0x78, 0, 1, 0x67, 0, 2, 0x68, 0xce]));
        assert!(starts_keyframe(&[0x78, 0, 1, 0x06, 0, 1, 0x65]));
        assert!(!starts_keyframe(&[0x78, 0, 1, 0x06, 0, 1, 0x41]));
        assert!(starts_keyframe(&[0x7c, 0x85, 0x88]));
        assert!(!starts_keyframe(&[0x7c, 0x05, 0x88]));
        assert!(!starts_keyframe(&[0x7c, 0x81, 0x88]));
    }

    #[test]
    fn a_cut_aggregate_is_no_keyframe() {
        assert!(!starts_keyframe(&[0x78, 0, 9, 0x67]));
        assert!(!starts_keyframe(&[0x78, 0]));
        assert!(!starts_keyframe(&[0x7c]));
        assert!(!starts_keyframe(&[]));
    }
}
