//! SRTP with AES-GCM (RFC 3711, RFC 7714): what keys of a DTLS handshake make of packets.
//!
//! AES-GCM alone, because that is what browsers and the relay agree on. Repeated packets are opened
//! like any other: to notice them is the receiver's business, and it wants to count them.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, MAX_TAG_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use dimpl::SrtpProfile;

use crate::rtp;

/// Bytes that protection adds to an RTP packet.
pub const TAG: usize = MAX_TAG_LEN;
const SALT: usize = 12;
/// The E flag and the index at the end of an SRTCP packet (RFC 7714 section 9.3).
const INDEX: usize = 4;
const RTCP_HEADER: usize = 8;
const ENCRYPTED: u32 = 1 << 31;

/// The packet is not authentic, or the library refused.
#[derive(Debug)]
pub struct Rejected;

/// Both directions of one association, or one direction with two keys: RTP and RTCP.
pub struct Context {
    rtp: Key,
    rtcp: Key,
    streams: Vec<Stream>,
    index: u32,
}

impl Context {
    /// The pair (ours, theirs) from what the handshake exported, for the DTLS client (RFC 5764 section 4.2).
    pub fn of_client(material: &[u8], profile: SrtpProfile) -> Result<(Self, Self), Rejected> {
        let size = match profile {
            SrtpProfile::AEAD_AES_128_GCM => 16,
            SrtpProfile::AEAD_AES_256_GCM => 32,
            _ => return Err(Rejected),
        };
        if material.len() < 2 * (size + SALT) {
            return Err(Rejected);
        }
        let (keys, salts) = material.split_at(2 * size);
        Ok((Self::derive(&keys[..size], &salts[..SALT])?, Self::derive(&keys[size..], &salts[SALT..2 * SALT])?))
    }

    fn derive(key: &[u8], salt: &[u8]) -> Result<Self, Rejected> {
        Ok(Self { rtp: Key::derive(key, salt, 0)?, rtcp: Key::derive(key, salt, 3)?, streams: Vec::new(), index: 0 })
    }

    /// Protect the RTP packet that begins at `start` of `bytes`, in place.
    pub fn seal_rtp(&mut self, bytes: &mut Vec<u8>, start: usize) -> Result<(), Rejected> {
        let packet = &mut bytes[start..];
        let header = rtp::header_length(packet).ok_or(Rejected)?;
        let (ssrc, sequence) = (rtp::ssrc(packet), rtp::sequence(packet));
        let roll_over = (self.stream(ssrc).advance(sequence) >> 16) as u32;
        let (header, payload) = packet.split_at_mut(header);
        let tag = self.rtp.seal(Key::rtp_nonce(ssrc, roll_over, sequence), header, payload)?;
        bytes.extend_from_slice(&tag);
        Ok(())
    }

    /// The plain RTP packet inside `packet`, opened in place.
    pub fn open_rtp<'packet>(&mut self, packet: &'packet mut [u8]) -> Result<&'packet mut [u8], Rejected> {
        let header = rtp::header_length(packet).ok_or(Rejected)?;
        let (ssrc, sequence) = (rtp::ssrc(packet), rtp::sequence(packet));
        let index = self.stream(ssrc).guess(sequence);
        let (clear, sealed) = packet.split_at_mut(header);
        let plain = self.rtp.open(Key::rtp_nonce(ssrc, (index >> 16) as u32, sequence), clear, sealed)?;
        self.stream(ssrc).reach(index);
        Ok(&mut packet[..header + plain])
    }

    /// Protect the RTCP packet that begins at `start` of `bytes`, in place.
    pub fn seal_rtcp(&mut self, bytes: &mut Vec<u8>, start: usize) -> Result<(), Rejected> {
        let packet = &mut bytes[start..];
        if packet.len() < RTCP_HEADER {
            return Err(Rejected);
        }
        self.index += 1;
        let trailer = (ENCRYPTED | self.index).to_be_bytes();
        let (header, payload) = packet.split_at_mut(RTCP_HEADER);
        let nonce = Key::rtcp_nonce(rtp::sender_ssrc(header), self.index);
        let tag = self.rtcp.seal(nonce, &[header as &[u8], &trailer].concat(), payload)?;
        bytes.extend_from_slice(&tag);
        bytes.extend_from_slice(&trailer);
        Ok(())
    }

    /// The plain RTCP packet inside `packet`, opened in place.
    pub fn open_rtcp<'packet>(&mut self, packet: &'packet mut [u8]) -> Result<&'packet mut [u8], Rejected> {
        if packet.len() < RTCP_HEADER + TAG + INDEX {
            return Err(Rejected);
        }
        let end = packet.len() - INDEX;
        let (sealed, trailer) = packet.split_at_mut(end);
        let index = u32::from_be_bytes([trailer[0], trailer[1], trailer[2], trailer[3]]);
        let (header, sealed) = sealed.split_at_mut(RTCP_HEADER);
        let nonce = Key::rtcp_nonce(rtp::sender_ssrc(header), index & !ENCRYPTED);
        let plain = self.rtcp.open(nonce, &[header as &[u8], trailer].concat(), sealed)?;
        Ok(&mut packet[..RTCP_HEADER + plain])
    }

    fn stream(&mut self, ssrc: u32) -> &mut Stream {
        // A person has at most six SSRCs in a direction: a search is faster than a hash.
        let position = self.streams.iter().position(|stream| stream.ssrc == ssrc).unwrap_or_else(|| {
            self.streams.push(Stream { ssrc, highest: None });
            self.streams.len() - 1
        });
        &mut self.streams[position]
    }
}

/// How far one SSRC has come: its packet index is 48 bits, of which the wire shows 16.
struct Stream {
    ssrc: u32,
    highest: Option<u64>,
}

impl Stream {
    /// RFC 3711 section 3.3.1 and appendix A.
    fn guess(&self, sequence: u16) -> u64 {
        match self.highest {
            None => u64::from(sequence),
            Some(highest) => {
                let distance = i64::from(sequence.wrapping_sub(highest as u16) as i16);
                highest.saturating_add_signed(distance)
            }
        }
    }

    fn reach(&mut self, index: u64) {
        self.highest = Some(self.highest.map_or(index, |highest| highest.max(index)));
    }

    fn advance(&mut self, sequence: u16) -> u64 {
        let index = self.guess(sequence);
        self.reach(index);
        index
    }
}

struct Key {
    key: LessSafeKey,
    salt: [u8; SALT],
}

impl Key {
    /// RFC 3711 section 4.3; a salt of 96 bits is padded with zeros (RFC 7714 section 11).
    fn derive(master: &[u8], salt: &[u8], label: u8) -> Result<Self, Rejected> {
        let (cipher, algorithm) = match master.len() {
            16 => (&AES_128, &AES_128_GCM),
            _ => (&AES_256, &AES_256_GCM),
        };
        let generate = |label: u8, output: &mut [u8]| {
            let mut counter = [0; 16];
            counter[..SALT].copy_from_slice(salt);
            counter[7] ^= label;
            let key = UnboundCipherKey::new(cipher, master)?;
            EncryptingKey::ctr(key)?
                .less_safe_encrypt(output, EncryptionContext::Iv128(FixedLength::from(counter)))
                .map(|_| ())
        };
        let (mut session, mut session_salt) = ([0; 32], [0; SALT]);
        let session = &mut session[..master.len()];
        generate(label, session).map_err(|_| Rejected)?;
        generate(label + 2, &mut session_salt).map_err(|_| Rejected)?;
        Self::new(algorithm, session, session_salt)
    }

    fn new(algorithm: &'static Algorithm, key: &[u8], salt: [u8; SALT]) -> Result<Self, Rejected> {
        let key = UnboundKey::new(algorithm, key).map_err(|_| Rejected)?;
        Ok(Self { key: LessSafeKey::new(key), salt })
    }

    /// RFC 7714 section 8.1.
    fn rtp_nonce(ssrc: u32, roll_over: u32, sequence: u16) -> [u8; SALT] {
        let mut nonce = [0; SALT];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[6..10].copy_from_slice(&roll_over.to_be_bytes());
        nonce[10..].copy_from_slice(&sequence.to_be_bytes());
        nonce
    }

    /// RFC 7714 section 9.1.
    fn rtcp_nonce(ssrc: u32, index: u32) -> [u8; SALT] {
        let mut nonce = [0; SALT];
        nonce[2..6].copy_from_slice(&ssrc.to_be_bytes());
        nonce[8..].copy_from_slice(&index.to_be_bytes());
        nonce
    }

    fn salted(&self, mut nonce: [u8; SALT]) -> Nonce {
        nonce.iter_mut().zip(self.salt).for_each(|(byte, salt)| *byte ^= salt);
        Nonce::assume_unique_for_key(nonce)
    }

    fn seal(&self, nonce: [u8; SALT], header: &[u8], payload: &mut [u8]) -> Result<[u8; TAG], Rejected> {
        let tag = self.key.seal_in_place_separate_tag(self.salted(nonce), Aad::from(header), payload);
        tag.ok().and_then(|tag| tag.as_ref().try_into().ok()).ok_or(Rejected)
    }

    /// The length of the plain text.
    fn open(&self, nonce: [u8; SALT], header: &[u8], sealed: &mut [u8]) -> Result<usize, Rejected> {
        match self.key.open_in_place(self.salted(nonce), Aad::from(header), sealed) {
            Ok(plain) => Ok(plain.len()),
            Err(_) => Err(Rejected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: String = hex.split_whitespace().collect();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    #[test]
    fn seals_the_example_of_rfc_7714_section_16_1_1() {
        let key: Vec<u8> = (0..16).collect();
        let salt = *b"Quid pro quo";
        let key = || Key::new(&AES_128_GCM, &key, salt).unwrap();
        let mut context = Context { rtp: key(), rtcp: key(), streams: Vec::new(), index: 0 };
        let mut packet = bytes(
            "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070
             61727465 73207472 6573",
        );
        context.seal_rtp(&mut packet, 0).unwrap();
        let expected = bytes(
            "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
             51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce",
        );
        assert_eq!(packet, expected);
    }

    #[test]
    fn opens_what_it_sealed_across_a_roll_over() {
        let material: Vec<u8> = (0..88).collect();
        let (mut ours, _) = Context::of_client(&material, SrtpProfile::AEAD_AES_256_GCM).unwrap();
        let (mut same, _) = Context::of_client(&material, SrtpProfile::AEAD_AES_256_GCM).unwrap();
        for sequence in [65_534_u16, 65_535, 0, 1] {
            let mut packet = vec![0x80, 96];
            packet.extend_from_slice(&sequence.to_be_bytes());
            packet.extend_from_slice(b"timessrcpayload");
            let plain = packet.clone();
            ours.seal_rtp(&mut packet, 0).unwrap();
            assert_eq!(same.open_rtp(&mut packet).unwrap(), plain);
        }
    }

    #[test]
    fn refuses_rtcp_of_which_a_bit_was_turned() {
        let material: Vec<u8> = (0..56).collect();
        let (mut ours, _) = Context::of_client(&material, SrtpProfile::AEAD_AES_128_GCM).unwrap();
        let mut packet = b"\x80\xc9\0\x01ssrcreport".to_vec();
        ours.seal_rtcp(&mut packet, 0).unwrap();
        let mut turned = packet.clone();
        turned[9] ^= 1;
        assert!(ours.open_rtcp(&mut turned).is_err());
        assert_eq!(ours.open_rtcp(&mut packet).unwrap(), b"\x80\xc9\0\x01ssrcreport");
    }
}
