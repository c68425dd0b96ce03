//! AV1 aggregation headers (RTP Payload Format for AV1, section 4.4).

/// Continues a unit of the packet before.
const CONTINUES: u8 = 0x80;
/// First packet of a coded video sequence.
const NEW_SEQUENCE: u8 = 0x08;

/// N must be set on the first packet of a coded video sequence, which begins with a keyframe; Z must not.
pub fn starts_keyframe(payload: &[u8]) -> bool {
    payload.len() > 1 && payload[0] & (CONTINUES | NEW_SEQUENCE) == NEW_SEQUENCE
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
}
