//! H264 NAL units in RTP (RFC 6184), non-interleaved: single units, STAP-A and FU-A.

const IDR: u8 = 5;
const SEQUENCE_PARAMETERS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

/// Encoders repeat the parameter sets before each IDR picture; whichever comes first begins it.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    match payload.first().map(unit_type) {
        Some(STAP_A) => aggregated(payload).any(begins),
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

/// The types of the units in a STAP-A: each has a 16-bit size before it (section 5.7.1).
fn aggregated(payload: &[u8]) -> impl Iterator<Item = u8> {
    let mut at = 1;
    std::iter::from_fn(move || {
        let size = usize::from(crate::bytes::u16_at(payload, at)?);
        let unit = payload.get(at + 2..at + 2 + size)?;
        at += 2 + size;
        Some(unit.first().map_or(0, unit_type))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

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
