//! Picture numbers of a slot (VP8 and VP9): continuous across sources, like its sequence numbers. They begin with 0, as
//! what a source writes would tell its receivers who of those they saw before it is.

use crate::wire::codecs::Picture;

const LONG: u16 = 0x7fff;
const SHORT: u16 = 0x7f;

/// The two counters of a slot, and how the current source's map onto them.
#[derive(Debug, Default)]
pub struct PictureNumbers {
    id: Option<Counter>,
    base_layer: Option<Counter>,
}

/// One counter: differences between a source's numbers are kept, and each source begins one after the
/// last.
#[derive(Debug)]
struct Counter {
    /// The source's latest number, extended to 15 bits.
    source: u16,
    placed: u16,
    cut: bool,
}

impl PictureNumbers {
    /// The next picture is of another source.
    pub fn cut(&mut self) {
        for counter in [&mut self.id, &mut self.base_layer].into_iter().flatten() {
            counter.cut = true;
        }
    }

    /// Append the payload with its picture's numbers replaced. The picture id always takes 15 bits: some
    /// encoders begin with 7 and become longer, others stay there, and the slot is one stream.
    pub fn rewrite(&mut self, payload: &[u8], picture: Picture, packets: &mut Vec<u8>) {
        let id = place(&mut self.id, picture.id, if picture.long { LONG } else { SHORT }, LONG);
        let behind = picture.id_at + if picture.long { 2 } else { 1 };
        packets.extend_from_slice(&payload[..picture.id_at]);
        packets.extend_from_slice(&(id | 0x8000).to_be_bytes());
        let rest = packets.len();
        packets.extend_from_slice(&payload[behind..]);
        if let Some((at, value)) = picture.base_layer {
            packets[rest + at - behind] = place(&mut self.base_layer, u16::from(value), 0xff, 0xff) as u8;
        }
    }
}

/// `bits` masks what the source wrote, `wrap` what the slot counts in.
fn place(counter: &mut Option<Counter>, number: u16, bits: u16, wrap: u16) -> u16 {
    let Some(counter) = counter else {
        *counter = Some(Counter { source: number, placed: 0, cut: false });
        return 0;
    };
    if counter.cut {
        *counter = Counter { source: number, placed: (counter.placed + 1) & wrap, cut: false };
        return counter.placed;
    }
    // The shortest way round, so that a reordered packet goes back.
    let ahead = number.wrapping_sub(counter.source) & bits;
    let placed = counter.placed.wrapping_add(ahead) & wrap;
    if ahead <= bits / 2 {
        counter.source = counter.source.wrapping_add(ahead);
        counter.placed = placed;
        return placed;
    }
    counter.placed.wrapping_sub((bits + 1).wrapping_sub(ahead)) & wrap
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::wire::codecs::vp8;

    /// A VP8 payload with a picture id, TL0PICIDX and KEYIDX.
    fn payload(id: u16, long: bool, base_layer: u8) -> Vec<u8> {
        let mut bytes = vec![0x90, 0xf0];
        if long {
            bytes.extend_from_slice(&(id | 0x8000).to_be_bytes());
        } else {
            bytes.push(id as u8 & 0x7f);
        }
        bytes.extend_from_slice(&[base_layer, 0x25, 0xaa]);
        bytes
    }

    fn rewritten(numbers: &mut PictureNumbers, payload: &[u8]) -> (u16, u8) {
        let mut out = b"header".to_vec();
        numbers.rewrite(payload, vp8::picture(payload).unwrap(), &mut out);
        let picture = vp8::picture(&out[6..]).unwrap();
        assert!(picture.long);
        assert_eq!(out[out.len() - 2..], [0x25, 0xaa]);
        (picture.id, picture.base_layer.unwrap().1)
    }

    fn starting(placed: u16) -> Option<Counter> {
        Some(Counter { source: 0, placed: placed.wrapping_sub(1), cut: true })
    }

    #[test]
    fn pictures_begin_anew_go_on_by_one_at_a_switch_and_wrap() {
        let mut numbers = PictureNumbers::default();
        assert_eq!(
            rewritten(&mut numbers, &payload(29_815, true, 77)),
            (0, 0),
            "the source's own would tell who it is"
        );
        assert_eq!(rewritten(&mut numbers, &payload(29_814, true, 76)), (0x7fff, 255));
        let mut numbers = PictureNumbers { id: starting(0x7ffe), base_layer: starting(254) };
        assert_eq!(rewritten(&mut numbers, &payload(0x7ffe, true, 254)), (0x7ffe, 254));
        assert_eq!(rewritten(&mut numbers, &payload(0x7fff, true, 255)), (0x7fff, 255));
        numbers.cut();
        assert_eq!(rewritten(&mut numbers, &payload(300, true, 9)), (0, 0));
        assert_eq!(rewritten(&mut numbers, &payload(302, true, 10)), (2, 1));
        assert_eq!(rewritten(&mut numbers, &payload(302, true, 10)), (2, 1), "a picture of two packets");
        assert_eq!(rewritten(&mut numbers, &payload(301, true, 10)), (1, 1));
    }

    #[test]
    fn after_a_picture_that_was_overtaken_the_next_source_goes_on_from_the_newest() {
        let mut numbers = PictureNumbers::default();
        for (id, base_layer) in [(300, 9), (302, 11), (301, 10)] {
            rewritten(&mut numbers, &payload(id, true, base_layer));
        }
        numbers.cut();
        assert_eq!(rewritten(&mut numbers, &payload(7, true, 70)), (3, 3));
    }

    #[test]
    fn an_encoder_that_grows_from_7_to_15_bits_stays_continuous() {
        let mut numbers = PictureNumbers::default();
        let ids: Vec<_> = (120..140).map(|id| rewritten(&mut numbers, &payload(id, id >= 128, 0)).0).collect();
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");
    }

    #[test]
    fn an_encoder_that_wraps_at_7_bits_stays_continuous() {
        let mut numbers = PictureNumbers::default();
        let ids: Vec<_> = (100..400).map(|id| rewritten(&mut numbers, &payload(id, false, 0)).0).collect();
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1), "{ids:?}");
    }

    proptest! {
        #[test]
        fn differences_within_a_source_are_kept(start in 0_u16..0x8000, steps in prop::collection::vec(0_u16..200, 1..300)) {
            let mut numbers = PictureNumbers::default();
            rewritten(&mut numbers, &payload(77, true, 0));
            numbers.cut();
            let (mut source, mut expected) = (start, 1);
            prop_assert_eq!(rewritten(&mut numbers, &payload(source, true, 0)).0, expected);
            for step in steps {
                source = (source + step) & LONG;
                expected = (expected + step) & LONG;
                prop_assert_eq!(rewritten(&mut numbers, &payload(source, true, 0)).0, expected);
            }
        }
    }
}
