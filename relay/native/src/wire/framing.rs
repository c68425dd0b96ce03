//! Datagrams over a byte stream: two bytes of length before each for ICE (RFC 4571, RFC 6544 section 3), and TURN's
//! messages, which say themselves how long they are (RFC 8656 section 12.5).

use super::turn::{CHANNEL_HEADER, CHANNELS};

/// Bytes. Browsers stay below 1,200; nothing longer than an Ethernet frame is ours.
pub const LARGEST_DATAGRAM: usize = 1_500;

/// Bytes of the longest message of TURN: a Send indication has an address around its datagram.
const LARGEST_MESSAGE: usize = LARGEST_DATAGRAM + 100;

const HEADER: usize = 2;

/// The stream holds something that is no datagram of ours; nothing after it can be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// How datagrams follow each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// Their length before each.
    #[default]
    Ice,
    /// As messages of STUN, and ChannelData padded to whole words.
    Turn,
}

/// Cuts a stream into datagrams. Holds the beginning of one at most: each connection has one of these.
#[derive(Debug, Default)]
pub struct Deframer {
    framing: Framing,
    begun: Vec<u8>,
}

impl Deframer {
    /// For a stream of this kind.
    pub fn new(framing: Framing) -> Self {
        Self { framing, begun: Vec::new() }
    }

    /// Take the next piece, and give `take` each datagram that is whole now, to be changed in place. Empty ones
    /// are padding and left out. Those of TURN are given whole, with header and padding.
    pub fn feed(&mut self, mut piece: &mut [u8], mut take: impl FnMut(&mut [u8])) -> Result<(), Malformed> {
        let framing = self.framing;
        while !self.begun.is_empty() {
            let framed = framing.framed(&self.begun)?;
            if framed == Some(self.begun.len()) {
                framing.give(&mut self.begun, &mut take);
                self.begun.clear();
                break;
            }
            let missing = framed.unwrap_or(framing.header()) - self.begun.len();
            let (next, rest) = piece.split_at_mut(missing.min(piece.len()));
            if next.is_empty() {
                return Ok(());
            }
            self.begun.extend_from_slice(next);
            piece = rest;
        }
        while let Some(length) = framing.framed(piece)?.filter(|length| *length <= piece.len()) {
            let (whole, rest) = piece.split_at_mut(length);
            framing.give(whole, &mut take);
            piece = rest;
        }
        self.begun.extend_from_slice(piece);
        Ok(())
    }
}

impl Framing {
    /// Bytes that say how long a datagram is.
    const fn header(self) -> usize {
        match self {
            Self::Ice => HEADER,
            Self::Turn => CHANNEL_HEADER,
        }
    }

    /// Bytes of the first datagram with what is around it, once that is known.
    fn framed(self, stream: &[u8]) -> Result<Option<usize>, Malformed> {
        match (self, stream) {
            (Self::Ice, &[high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                if length > LARGEST_DATAGRAM { Err(Malformed) } else { Ok(Some(HEADER + length)) }
            }
            (Self::Turn, &[first, second, high, low, ..]) => {
                let length = usize::from(u16::from_be_bytes([high, low]));
                let framed = match u16::from_be_bytes([first, second]) {
                    // Two zero bits: STUN, whose length is without its header (RFC 8489 section 5).
                    0..0x4000 => 20 + length,
                    channel if CHANNELS.contains(&channel) => CHANNEL_HEADER + length.next_multiple_of(4),
                    _ => return Err(Malformed),
                };
                if framed > LARGEST_MESSAGE { Err(Malformed) } else { Ok(Some(framed)) }
            }
            _ => Ok(None),
        }
    }

    fn give(self, framed: &mut [u8], take: &mut impl FnMut(&mut [u8])) {
        match self {
            Self::Ice if framed.len() <= HEADER => {}
            Self::Ice => take(&mut framed[HEADER..]),
            Self::Turn => take(framed),
        }
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

    #[test]
    fn messages_of_turn_are_found_whole_whatever_the_pieces() {
        let (mut check, mut stream) = (vec![0_u8; 28], Vec::new());
        check[..8].copy_from_slice(&[0, 3, 0, 8, 0x21, 0x12, 0xa4, 0x42]);
        let channel = [0x40, 1, 0, 5, b'm', b'e', b'd', b'i', b'a', 0, 0, 0];
        (0..3).for_each(|_| stream.extend_from_slice(&[&check[..], &channel[..]].concat()));
        for size in [1, 3, 7, 20, 200] {
            let mut deframer = Deframer::new(Framing::Turn);
            let found: Vec<_> = stream.chunks(size).flat_map(|piece| cut(&mut deframer, piece)).collect();
            assert_eq!(found, [&check[..], &channel[..]].repeat(3), "pieces of {size}");
        }
    }

    #[test]
    fn what_is_neither_stun_nor_a_channel_ends_the_stream_and_so_does_what_is_too_long() {
        for begin in [[0x50, 0, 0, 0], [0x80, 0, 0, 0], [0, 3, 6, 45], [0x40, 0, 6, 61]] {
            let mut begin = begin;
            assert_eq!(Deframer::new(Framing::Turn).feed(&mut begin, |_| ()), Err(Malformed), "{begin:?}");
        }
        assert_eq!(Deframer::new(Framing::Turn).feed(&mut [0, 3, 6, 44], |_| ()), Ok(()));
    }
}
