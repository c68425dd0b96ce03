//! RTP packets (RFC 3550 section 5.1) and their header extensions (RFC 8285).

use crate::wire::bytes::{u16_at, u32_at};

const FIXED: usize = 12;
const ONE_BYTE: u16 = 0xbede;
/// 0x100 and four bits for the application.
const TWO_BYTE: u16 = 0x1000;

/// A parsed header. Offsets are from the start of the packet and lie within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Marks the end of a frame, or the begin of a talk spurt.
    pub marker: bool,
    /// Which codec, as the sender numbers it.
    pub payload_type: u8,
    /// Lower 16 bits of the packet's index.
    pub sequence: u16,
    /// In units of the codec's clock rate.
    pub timestamp: u32,
    /// Names the stream.
    pub ssrc: u32,
    /// Where the payload begins.
    pub payload: usize,
    padded: bool,
    profile: u16,
    extensions: (usize, usize),
}

/// Whether a datagram whose first byte is RTP's is RTCP (RFC 5761 section 4).
pub fn is_rtcp(datagram: &[u8]) -> bool {
    datagram.get(1).is_some_and(|second| (192..=223).contains(second))
}

impl Header {
    /// Read the header; None if the packet does not hold all of it.
    pub fn parse(packet: &[u8]) -> Option<Self> {
        let first = *packet.first()?;
        let second = *packet.get(1)?;
        if first >> 6 != 2 {
            return None;
        }
        let mut payload = FIXED + 4 * usize::from(first & 15);
        let (mut profile, mut extensions) = (0, (0, 0));
        if first & 0x10 != 0 {
            profile = u16_at(packet, payload)?;
            let start = payload + 4;
            payload = start + 4 * usize::from(u16_at(packet, payload + 2)?);
            extensions = (start, payload);
        }
        (payload <= packet.len()).then_some(())?;
        Some(Self {
            marker: second & 0x80 != 0,
            payload_type: second & 0x7f,
            sequence: u16_at(packet, 2)?,
            timestamp: u32_at(packet, 4)?,
            ssrc: u32_at(packet, 8)?,
            payload,
            padded: first & 0x20 != 0,
            profile,
            extensions,
        })
    }

    /// The payload without padding, of the opened packet that this header was read from. None if the
    /// padding is longer than the payload.
    pub fn payload_of<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let payload = packet.get(self.payload..)?;
        let padding = if self.padded { usize::from(*payload.last()?) } else { 0 };
        (!self.padded || padding > 0).then_some(())?;
        payload.get(..payload.len().checked_sub(padding)?)
    }

    /// The value of the extension with this id, of the packet that this header was read from.
    pub fn extension<'a>(&self, packet: &'a [u8], id: u8) -> Option<&'a [u8]> {
        let block = packet.get(self.extensions.0..self.extensions.1)?;
        let mut at = 0;
        while let Some(first) = block.get(at) {
            let (found, length, head) = match self.profile {
                // Padding between elements.
                _ if *first == 0 => {
                    at += 1;
                    continue;
                }
                // Id 15 ends the list (RFC 8285 section 4.2).
                ONE_BYTE if *first >> 4 == 15 => return None,
                ONE_BYTE => (*first >> 4, usize::from(*first & 15) + 1, 1),
                profile if profile & 0xfff0 == TWO_BYTE => (*first, usize::from(*block.get(at + 1)?), 2),
                _ => return None,
            };
            let value = block.get(at + head..at + head + length)?;
            if found == id {
                return Some(value);
            }
            at += head + length;
        }
        None
    }
}

/// What a packet that we write says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Written {
    /// See [`Header::marker`].
    pub marker: bool,
    /// See [`Header::payload_type`].
    pub payload_type: u8,
    /// See [`Header::sequence`].
    pub sequence: u16,
    /// See [`Header::timestamp`].
    pub timestamp: u32,
    /// See [`Header::ssrc`].
    pub ssrc: u32,
}

/// Append a header with one-byte extensions of (id, value); gives its length. A value has 1 to 16
/// bytes and an id is 1 to 14, as negotiated; others are left out.
pub fn write_header<'a>(
    packets: &mut Vec<u8>,
    fields: Written,
    extensions: impl IntoIterator<Item = (u8, &'a [u8])>,
) -> usize {
    let start = packets.len();
    packets.push(0x80);
    packets.push(u8::from(fields.marker) << 7 | fields.payload_type);
    packets.extend_from_slice(&fields.sequence.to_be_bytes());
    packets.extend_from_slice(&fields.timestamp.to_be_bytes());
    packets.extend_from_slice(&fields.ssrc.to_be_bytes());
    let block = packets.len() + 4;
    for (id, value) in extensions {
        if (1..=14).contains(&id) && (1..=16).contains(&value.len()) {
            if packets.len() < block {
                packets.extend_from_slice(&ONE_BYTE.to_be_bytes());
                packets.extend_from_slice(&[0, 0]);
            }
            packets.push(id << 4 | (value.len() - 1) as u8);
            packets.extend_from_slice(value);
        }
    }
    if packets.len() > block {
        let words = (packets.len() - block).div_ceil(4);
        packets.resize(block + 4 * words, 0);
        packets[start] |= 0x10;
        packets[block - 2..block].copy_from_slice(&(words as u16).to_be_bytes());
    }
    packets.len() - start
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    const FIELDS: Written = Written { marker: true, payload_type: 96, sequence: 7, timestamp: 8, ssrc: 9 };

    #[test]
    fn what_is_written_is_read() {
        let mut packet = Vec::new();
        let length = write_header(&mut packet, FIELDS, [(4, &b"12"[..]), (2, &b"abc"[..])]);
        packet.extend_from_slice(b"payload");
        let header = Header::parse(&packet).unwrap();
        assert_eq!((header.marker, header.payload_type, header.sequence), (true, 96, 7));
        assert_eq!((header.timestamp, header.ssrc, header.payload), (8, 9, length));
        assert_eq!(header.extension(&packet, 4), Some(&b"12"[..]));
        assert_eq!(header.extension(&packet, 2), Some(&b"abc"[..]));
        assert_eq!(header.extension(&packet, 3), None);
        assert_eq!(header.payload_of(&packet), Some(&b"payload"[..]));
    }

    #[test]
    fn two_byte_extensions_are_read() {
        let packet = b"\x90\x60\0\x01\0\0\0\x02\0\0\0\x03\x10\x00\0\x02\x00\x04\x02hi\x20\x00\x00rest";
        let header = Header::parse(packet).unwrap();
        assert_eq!(header.extension(packet, 4), Some(&b"hi"[..]));
        assert_eq!(header.payload_of(packet), Some(&b"rest"[..]));
    }

    #[test]
    fn nothing_is_read_behind_id_15() {
        let packet = b"\x90\x60\0\x01\0\0\0\x02\0\0\0\x03\xbe\xde\0\x02\x20\x41\xf0\x42\x40\x43\0\0rest";
        let header = Header::parse(packet).unwrap();
        assert_eq!(header.extension(packet, 2), Some(&b"A"[..]));
        assert_eq!(header.extension(packet, 15), None);
        assert_eq!(header.extension(packet, 4), None);
    }

    #[test]
    fn padding_is_cut_off_and_impossible_padding_is_refused() {
        let packet = b"\xa0\x60\0\x01\0\0\0\x02\0\0\0\x03ab\0\0\x03";
        let header = Header::parse(packet).unwrap();
        assert_eq!(header.payload_of(packet), Some(&b"ab"[..]));
        assert_eq!(header.payload_of(&packet[..14]), None);
        // Longer than the payload, and none though there should be some: its own length counts.
        for wrong in [b"\xa0\x60\0\x01\0\0\0\x02\0\0\0\x03ab\x09", b"\xa0\x60\0\x01\0\0\0\x02\0\0\0\x03ab\x00"] {
            assert_eq!(Header::parse(wrong).unwrap().payload_of(wrong), None);
        }
    }

    #[test]
    fn what_is_behind_contributing_sources_is_read() {
        let packet = b"\x92\x60\0\x01\0\0\0\x02\0\0\0\x03mixdmixd\xbe\xde\0\x01\x20A\0\0rest";
        let header = Header::parse(packet).unwrap();
        assert_eq!(header.extension(packet, 2), Some(&b"A"[..]));
        assert_eq!(header.payload_of(packet), Some(&b"rest"[..]));
        assert_eq!(Header::parse(&packet[..19]), None);
    }

    #[test]
    fn what_one_byte_can_not_announce_is_left_out() {
        let mut packet = Vec::new();
        let fits = [(1, &b"1"[..]), (14, &[7; 16])];
        let others = [(0, &b"0"[..]), (15, b"15"), (2, b""), (3, &[7; 17])];
        let length = write_header(&mut packet, FIELDS, others);
        assert_eq!((length, packet[0]), (FIXED, 0x80), "not even an empty block");
        packet.clear();
        write_header(&mut packet, FIELDS, others.into_iter().chain(fits));
        let header = Header::parse(&packet).unwrap();
        assert_eq!([1, 14].map(|id| header.extension(&packet, id)), fits.map(|(_, value)| Some(value)));
        assert_eq!([2, 3].map(|id| header.extension(&packet, id)), [None; 2]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(mut bytes in prop::collection::vec(any::<u8>(), 0..80), id: u8) {
            if let Some(first) = bytes.first_mut() {
                *first = *first & 0x3f | 0x80;
            }
            if let Some(header) = Header::parse(&bytes) {
                let _ = (header.payload_of(&bytes), header.extension(&bytes, id));
            }
        }
    }
}
