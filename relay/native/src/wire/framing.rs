//! Datagrams over a byte stream: two bytes of length before each (RFC 4571, RFC 6544 section 3).

/// Bytes. Browsers stay below 1,200; nothing longer than an Ethernet frame is ours.
pub const LARGEST_DATAGRAM: usize = 1_500;

const HEADER: usize = 2;

/// The stream holds something that is no datagram of ours; nothing after it can be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// Cuts a stream into datagrams. Holds the beginning of one at most: each connection has one of these.
#[derive(Debug, Default)]
pub struct Deframer {
    begun: Vec<u8>,
}

impl Deframer {
    /// Take the next piece, and give `take` each datagram that is whole now, to be changed in place. Empty ones
    /// are padding and left out.
    pub fn feed(&mut self, mut piece: &mut [u8], mut take: impl FnMut(&mut [u8])) -> Result<(), Malformed> {
        while !self.begun.is_empty() {
            let framed = framed(&self.begun)?;
            if framed == Some(self.begun.len()) {
                give(&mut self.begun, &mut take);
                self.begun.clear();
                break;
            }
            let missing = framed.unwrap_or(HEADER) - self.begun.len();
            let (next, rest) = piece.split_at_mut(missing.min(piece.len()));
            if next.is_empty() {
                return Ok(());
            }
            self.begun.extend_from_slice(next);
            piece = rest;
        }
        while let Some(length) = framed(piece)?.filter(|length| *length <= piece.len()) {
            let (whole, rest) = piece.split_at_mut(length);
            give(whole, &mut take);
            piece = rest;
        }
        self.begun.extend_from_slice(piece);
        Ok(())
    }
}

/// Bytes of the first datagram and its length, once that is there.
fn framed(stream: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some(&[high, low]) = stream.get(..HEADER) else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length > LARGEST_DATAGRAM { Err(Malformed) } else { Ok(Some(HEADER + length)) }
}

fn give(framed: &mut [u8], take: &mut impl FnMut(&mut [u8])) {
    if framed.len() > HEADER {
        take(&mut framed[HEADER..]);
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
        assert_eq!(deframer.feed(&mut piece.to_vec(), |datagram| found.push(datagram.to_vec())), Ok(()));
        found
    }

    #[test]
    fn the_longest_datagram_passes_and_no_longer_one() {
        let (mut longest, mut longer) = (Vec::new(), Vec::new());
        frame(&[7; LARGEST_DATAGRAM], &mut longest);
        frame(&[7; LARGEST_DATAGRAM + 1], &mut longer);
        assert_eq!(cut(&mut Deframer::default(), &longest), [vec![7; LARGEST_DATAGRAM]]);
        assert_eq!(Deframer::default().feed(&mut longer, |_| {}), Err(Malformed));
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
    fn a_long_piece_leaves_no_more_room_behind_than_its_last_datagram_needs() {
        let (mut deframer, mut stream) = (Deframer::default(), Vec::new());
        for _ in 0..30 {
            frame(&[b'a'; 1_000], &mut stream);
        }
        stream.truncate(stream.len() - 1);
        assert_eq!(cut(&mut deframer, &stream).len(), 29);
        assert!(deframer.begun.capacity() < 2 * 1_002);
        assert_eq!(cut(&mut deframer, b"a"), [[b'a'; 1_000]]);
    }

    #[test]
    fn empty_datagrams_are_left_out() {
        assert_eq!(cut(&mut Deframer::default(), &[0, 0, 0, 1, b'a', 0, 0]), [b"a"]);
    }

    #[test]
    fn a_length_beyond_any_datagram_ends_the_stream() {
        assert_eq!(Deframer::default().feed(&mut 1_501_u16.to_be_bytes(), |_| ()), Err(Malformed));
    }
}
