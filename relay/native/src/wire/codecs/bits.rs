//! Reading bits, most significant first, that can't run past the end.

/// A place in some bytes.
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// So many bits as a number, 32 at most.
    pub(super) fn take(&mut self, count: usize) -> Option<u32> {
        let mut number = 0;
        for _ in 0..count {
            number = number << 1 | u32::from(self.bytes.get(self.at / 8)? >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Some(number)
    }

    /// Whether the next bit is set.
    pub(super) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// Leave out so many bits.
    pub(super) fn skip(&mut self, count: usize) -> Option<()> {
        self.at = self.at.checked_add(count).filter(|at| at.div_ceil(8) <= self.bytes.len())?;
        Some(())
    }

    /// An unsigned Exp-Golomb code of 32 bits at most (ITU-T H.264 section 9.1; AV1 calls it uvlc).
    pub(super) fn golomb(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some(((1_u64 << zeros) - 1 + u64::from(self.take(zeros)?)) as u32)
    }

    /// A signed Exp-Golomb code.
    pub(super) fn signed_golomb(&mut self) -> Option<i64> {
        let code = i64::from(self.golomb()?);
        Some(if code % 2 == 1 { (code + 1) / 2 } else { -code / 2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // 1, 010, 011, 00100, 00101
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut bits = Bits::new(&bytes);
        assert_eq!([(); 5].map(|()| bits.golomb()), [0, 1, 2, 3, 4].map(Some));
        let mut bits = Bits::new(&bytes);
        assert_eq!([(); 5].map(|()| bits.signed_golomb()), [0, 1, -1, 2, -2].map(Some));
    }

    #[test]
    fn nothing_is_read_past_the_end() {
        let mut bits = Bits::new(&[0xff]);
        assert_eq!((bits.skip(9), bits.take(8), bits.take(1)), (None, Some(255), None));
        assert_eq!(Bits::new(&[0; 40]).golomb(), None);
        assert_eq!(Bits::new(&[0; 3]).golomb(), None);
    }
}
