//! The mark in a payload that tells the receiver whose packet it is, which one, and when it left.
//!
//! A checksum covers the rest of the stamp and all that follows it, so that a turned bit is told
//! apart from a wrong sender.

use crate::clock::Nanos;

/// Bytes of a stamp.
pub const SIZE: usize = 24;
const CHECKSUM: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stamp {
    pub sender: u32,
    /// Counts the stamped packets of one stream, without regard to partners.
    pub counter: u32,
    pub sent: Nanos,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)]
pub enum Kind {
    Audio = 1,
    Video = 2,
}

impl Stamp {
    /// Append the stamp; `filler` follows it, and is covered.
    pub fn write(&self, filler: &[u8], bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; CHECKSUM]);
        bytes.extend_from_slice(&self.sender.to_be_bytes());
        bytes.extend_from_slice(&self.counter.to_be_bytes());
        bytes.extend_from_slice(&self.sent.to_be_bytes());
        bytes.extend_from_slice(&(self.kind as u32).to_be_bytes());
        bytes.extend_from_slice(filler);
        let checksum = crc32fast::hash(&bytes[start + CHECKSUM..]);
        bytes[start..start + CHECKSUM].copy_from_slice(&checksum.to_be_bytes());
    }

    /// The stamp at the beginning of `bytes`; None when anything in them was changed.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (checksum, covered) = bytes.split_first_chunk::<CHECKSUM>()?;
        if crc32fast::hash(covered) != u32::from_be_bytes(*checksum) {
            return None;
        }
        let (sender, rest) = covered.split_first_chunk()?;
        let (counter, rest) = rest.split_first_chunk()?;
        let (sent, rest) = rest.split_first_chunk()?;
        let (kind, _) = rest.split_first_chunk()?;
        Some(Self {
            sender: u32::from_be_bytes(*sender),
            counter: u32::from_be_bytes(*counter),
            sent: Nanos::from_be_bytes(*sent),
            kind: if u32::from_be_bytes(*kind) == Kind::Audio as u32 { Kind::Audio } else { Kind::Video },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_every_turned_byte() {
        let stamp = Stamp { sender: 3, counter: 70_000, sent: 1 << 40, kind: Kind::Video };
        let mut bytes = Vec::new();
        stamp.write(&[7; 50], &mut bytes);
        assert_eq!(Stamp::read(&bytes), Some(stamp));
        for position in 0..bytes.len() {
            let mut turned = bytes.clone();
            turned[position] ^= 0x10;
            assert_eq!(Stamp::read(&turned), None, "{position}");
        }
    }
}
