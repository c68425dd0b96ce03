//! Datagrams over a byte stream: two bytes of length before each (RFC 4571, RFC 6544 section 3).

/// Bytes. Browsers stay below 1,200; nothing longer than an Ethernet frame is ours.
pub const LARGEST_DATAGRAM: usize = 1_500;

const HEADER: usize = 2;

/// The stream holds something that is no datagram of ours; nothing after it can be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// Cuts a stream into datagrams. Holds what one piece brought, and one unfinished datagram.
#[derive(Debug, Default)]
pub struct Deframer {
    bytes: Vec<u8>,
}

impl Deframer {
    /// Take the next piece, and give `take` each datagram that is whole now, to be changed in place. Empty ones
    /// are padding and left out.
    pub fn feed(&mut self, piece: &[u8], mut take: impl FnMut(&mut [u8])) -> Result<(), Malformed> {
        self.bytes.extend_from_slice(piece);
        let mut at = 0;
        while let Some(&[high, low]) = self.bytes.get(at..at + HEADER) {
            let length = usize::from(u16::from_be_bytes([high, low]));
            if length > LARGEST_DATAGRAM {
                return Err(Malformed);
            }
            let start = at + HEADER;
            let Some(datagram) = self.bytes.get_mut(start..start + length) else { break };
            if !datagram.is_empty() {
                take(datagram);
            }
            at = start + length;
        }
        self.bytes.drain(..at);
        Ok(())
    }
}

/// Append a datagram to a stream. One that is too long for any peer is left out.
pub fn frame(datagram: &[u8], stream: &mut Vec<u8>) {
    if let Ok(length) = u16::try_from(datagram.len()) {
        stream.extend_from_slice(&length.to_be_bytes());
        stream.extend_from_slice(datagram);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cut(deframer: &mut Deframer, piece: &[u8]) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        assert_eq!(deframer.feed(piece, |datagram| found.push(datagram.to_vec())), Ok(()));
        found
    }

    proptest! {
        #[test]
        fn datagrams_come_out_whole_however_the_stream_is_cut(
            datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..8),
            size in 1..300_usize,
        ) {
            let mut stream = Vec::new();
            for datagram in &datagrams {
                frame(datagram, &mut stream);
            }
            let mut deframer = Deframer::default();
            let found: Vec<_> = stream.chunks(size).flat_map(|piece| cut(&mut deframer, piece)).collect();
            prop_assert_eq!(found, datagrams);
        }
    }

    #[test]
    fn empty_datagrams_are_left_out() {
        assert_eq!(cut(&mut Deframer::default(), &[0, 0, 0, 1, b'a', 0, 0]), [b"a"]);
    }

    #[test]
    fn a_length_beyond_any_datagram_ends_the_stream() {
        assert_eq!(Deframer::default().feed(&1_501_u16.to_be_bytes(), |_| ()), Err(Malformed));
    }
}
