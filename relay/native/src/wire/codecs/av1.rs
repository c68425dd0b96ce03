//! AV1 aggregation headers (RTP Payload Format for AV1, section 4.4), and sizes in sequence headers behind them.

use super::bits::Bits;
use super::fits_within;

/// Continues a unit of the packet before.
const CONTINUES: u8 = 0x80;
/// The last element continues in the next packet.
const CONTINUED: u8 = 0x40;
/// How many elements there are; 0: all have their lengths before them.
const ELEMENTS: u8 = 0x30;
/// First packet of a coded video sequence.
const NEW_SEQUENCE: u8 = 0x08;

const SEQUENCE_HEADER: u8 = 1;

/// N must be set on the first packet of a coded video sequence, which begins with a keyframe; Z must not.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    payload.len() > 1 && payload[0] & (CONTINUES | NEW_SEQUENCE) == NEW_SEQUENCE
}

/// The largest size is in the sequence header. A part of one can't be read: none is that long. Nor is there a reason to
/// begin a unit with nothing, which would hide what it is from who looks at the next packet.
pub fn fits(payload: &[u8]) -> bool {
    let Some((first, mut rest)) = payload.split_first() else { return true };
    let (amount, mut continues) = (usize::from(first & ELEMENTS) >> 4, first & CONTINUES != 0);
    let (mut number, mut ends_with_nothing) = (0, true);
    while !rest.is_empty() {
        number += 1;
        let element;
        if amount != 0 && number == amount {
            (element, rest) = (rest, &[][..]);
        } else {
            let Some((length, behind)) = leb128(rest) else { return true };
            // One that is cut is of no use to any decoder.
            let Some(split) = behind.split_at_checked(length) else { return true };
            (element, rest) = split;
        }
        if !std::mem::take(&mut continues) && !unit_fits(element) {
            return false;
        }
        ends_with_nothing = element.is_empty();
    }
    first & CONTINUED == 0 || !ends_with_nothing
}

/// One open bitstream unit (AV1 specification, section 5.3).
fn unit_fits(unit: &[u8]) -> bool {
    let Some((&header, mut content)) = unit.split_first() else { return true };
    if header >> 3 & 15 != SEQUENCE_HEADER {
        return true;
    }
    if header & 4 != 0 {
        content = content.get(1..).unwrap_or_default();
    }
    if header & 2 != 0 {
        content = leb128(content).map_or(&[][..], |(_, behind)| behind);
    }
    largest_size(content).is_some_and(|(width, height)| fits_within(width, height))
}

/// Width and height that no frame exceeds (AV1 specification, section 5.5.1).
fn largest_size(sequence: &[u8]) -> Option<(u32, u32)> {
    let mut bits = Bits::new(sequence);
    bits.skip(4)?;
    let is_reduced = bits.flag()?;
    if is_reduced {
        bits.skip(5)?;
    } else {
        let mut delay_length = None;
        if bits.flag()? {
            bits.skip(64)?;
            if bits.flag()? {
                bits.golomb()?;
            }
            if bits.flag()? {
                delay_length = Some(bits.take(5)? as usize + 1);
                bits.skip(42)?;
            }
        }
        let has_display_delay = bits.flag()?;
        for _ in 0..=bits.take(5)? {
            bits.skip(12)?;
            let has_tier = bits.take(5)? > 7;
            bits.skip(usize::from(has_tier))?;
            if let Some(length) = delay_length {
                if bits.flag()? {
                    bits.skip(2 * length + 1)?;
                }
            }
            if has_display_delay && bits.flag()? {
                bits.skip(4)?;
            }
        }
    }
    let (width, height) = (bits.take(4)? as usize + 1, bits.take(4)? as usize + 1);
    Some((bits.take(width)? + 1, bits.take(height)? + 1))
}

/// A number in groups of seven bits, and what is behind it; of up to four bytes, which is more than any packet has.
fn leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(4) {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_new_sequence_starts_a_keyframe() {
        assert!(starts_keyframe(&[0x18, 0x0a]));
        assert!(!starts_keyframe(&[0x10, 0x32]));
        assert!(!starts_keyframe(&[0x88, 0x0a]));
        assert!(!starts_keyframe(&[0x18]));
    }

    /// A sequence header with everything that can stand before the size, or with as little as possible.
    fn sequence(full: bool, width: u32, height: u32) -> Vec<u8> {
        let mut text = String::from("000" /* profile */) + "0";
        if full {
            // Timing with an interval of 1, a decoder model with delays of 3 bits, display delays, two operating points.
            text += &format!("01{}1{}{}{}", "0".repeat(64), "010", "1", "00010");
            text += &format!("{}1{}", "0".repeat(42), "00001");
            text += &format!("{}0100111{}1{}", "0".repeat(12), "0".repeat(7), "0000");
            text += &format!("{}0011100", "0".repeat(12));
        } else {
            text += "100000";
        }
        text += &format!("11111111{:016b}{:016b}1000000", width - 1, height - 1);
        let bytes = text.as_bytes().chunks(8).map(|byte| {
            let number = byte.iter().fold(0, |number, bit| number << 1 | (bit - b'0'));
            number << (8 - byte.len())
        });
        bytes.collect()
    }

    #[test]
    fn a_sequence_may_claim_what_cameras_have_wherever_it_stands() {
        for (width, height, fit) in [(640, 480, true), (4_096, 4_096, true), (4_097, 16, false), (16, 65_536, false)] {
            for full in [false, true] {
                let header = sequence(full, width, height);
                let alone = [&[0x18, 0x08], &header[..]].concat();
                let extended = [&[0x18, 0x0e, 0x00, header.len() as u8], &header[..]].concat();
                let second = [&[0x00, 1, 0x10, header.len() as u8 + 1, 0x08], &header[..], &[1, 0x10]].concat();
                // Behind the rest of a unit, and as the last of two.
                let behind = [&[0xa0, 2, 0x08, 0xff, 0x08], &header[..]].concat();
                for packet in [alone, extended, second, behind] {
                    assert_eq!(fits(&packet), fit, "{width}x{height}: {packet:02x?}");
                }
            }
        }
    }

    #[test]
    fn a_sequence_header_that_can_not_be_read_does_not_fit() {
        let whole = [&[0x58, 0x08], &sequence(true, 640, 480)[..]].concat();
        for length in 2..whole.len() - 1 {
            assert!(!fits(&whole[..length]), "{length}");
        }
        assert!(!fits(&[0x18, 0x0a]) && !fits(&[0x18, 0x0c]));
        // All of it in the packet behind that of its beginning.
        assert!(!fits(&[0x58]) && !fits(&[0x50]) && !fits(&[0x48, 1, 0x10, 0]) && !fits(&[0xd0]));
        // Other units have no size that counts.
        assert!(fits(&[0x50, 0x32]) && fits(&[0xd0, 0x01]) && fits(&[0x48, 1, 0x10]));
        assert!(fits(&[0x10, 0x32]) && fits(&[0x10]) && fits(&[]) && fits(&[0x00, 0xff, 0xff, 0xff, 0xff]));
    }

    #[test]
    fn elements_of_nothing_may_be_more_than_a_byte_counts() {
        assert!(fits(&[0; 300]));
    }
}
