//! Seals and opens single packets. Knows nothing of replay or rollover: the index is given.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::{constant_time, hmac};

use super::keys::{Counter, Keys, Label, Profile};

/// SRTCP's E bit: the packet is encrypted (RFC 3711 section 3.4).
const ENCRYPTED: u32 = 1 << 31;

/// Bytes of an RTCP header that stay readable.
const RTCP_HEADER: usize = 8;

const GCM_TAG: usize = 16;
const SHA1_80_TAG: usize = 10;

/// The session keys of one direction.
pub(super) enum Cipher {
    Gcm {
        rtp: Gcm,
        rtcp: Gcm,
    },
    Cm {
        rtp: Box<Cm>,
        rtcp: Box<Cm>,
    },
    /// For what never leaves the process.
    None,
}

pub(super) struct Gcm {
    key: LessSafeKey,
    salt: [u8; 12],
}

pub(super) struct Cm {
    counter: Counter,
    authentication: hmac::Key,
    salt: [u8; 14],
}

impl Cipher {
    /// None if the cryptographic library refuses the keys.
    pub(super) fn new(keys: &Keys) -> Option<Self> {
        Some(match keys.profile {
            Profile::Gcm128 | Profile::Gcm256 => Self::Gcm {
                rtp: Gcm::new(keys, Label::RtpEncryption, Label::RtpSalt)?,
                rtcp: Gcm::new(keys, Label::RtcpEncryption, Label::RtcpSalt)?,
            },
            Profile::Cm128Sha1 => Self::Cm {
                rtp: Box::new(Cm::new(keys, Label::RtpEncryption, Label::RtpAuthentication, Label::RtpSalt)?),
                rtcp: Box::new(Cm::new(keys, Label::RtcpEncryption, Label::RtcpAuthentication, Label::RtcpSalt)?),
            },
        })
    }

    /// Protect the RTP packet that fills `packets` from `start` on; its payload begins `header` later.
    pub(super) fn seal_rtp(
        &self,
        packets: &mut Vec<u8>,
        start: usize,
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<()> {
        match self {
            Self::Gcm { rtp, .. } => {
                let (head, payload) = packets.get_mut(start..)?.split_at_mut_checked(header)?;
                let tag = rtp.key.seal_in_place_separate_tag(rtp.rtp_nonce(ssrc, index), Aad::from(&*head), payload);
                packets.extend_from_slice(tag.ok()?.as_ref());
            }
            Self::Cm { rtp, .. } => {
                rtp.counter.apply(rtp.iv(ssrc, index), packets.get_mut(start + header..)?)?;
                let tag = rtp.tag(packets.get(start..)?, (index >> 16) as u32);
                packets.extend_from_slice(&tag.as_ref()[..SHA1_80_TAG]);
            }
            Self::None => {}
        }
        Some(())
    }

    /// Open an RTP packet in place; gives the length of the plain packet.
    pub(super) fn open_rtp(&self, packet: &mut [u8], header: usize, ssrc: u32, index: u64) -> Option<usize> {
        match self {
            Self::Gcm { rtp, .. } => {
                let (head, sealed) = packet.split_at_mut_checked(header)?;
                let plain = rtp.key.open_in_place(rtp.rtp_nonce(ssrc, index), Aad::from(&*head), sealed).ok()?;
                Some(header + plain.len())
            }
            Self::Cm { rtp, .. } => {
                let length = packet.len().checked_sub(SHA1_80_TAG).filter(|length| *length >= header)?;
                let (sealed, tag) = packet.split_at_mut(length);
                rtp.verify(sealed, (index >> 16) as u32, tag)?;
                rtp.counter.apply(rtp.iv(ssrc, index), &mut sealed[header..])?;
                Some(length)
            }
            Self::None => Some(packet.len()),
        }
    }

    /// Protect the RTCP packet that fills `packets` from `start` on. `index` has 31 bits.
    pub(super) fn seal_rtcp(&self, packets: &mut Vec<u8>, start: usize, ssrc: u32, index: u32) -> Option<()> {
        let trailer = (index | ENCRYPTED).to_be_bytes();
        match self {
            Self::Gcm { rtcp, .. } => {
                let (head, payload) = packets.get_mut(start..)?.split_at_mut_checked(RTCP_HEADER)?;
                let aad = rtcp_aad(head, trailer)?;
                let tag = rtcp.key.seal_in_place_separate_tag(rtcp.rtcp_nonce(ssrc, index), Aad::from(aad), payload);
                packets.extend_from_slice(tag.ok()?.as_ref());
                packets.extend_from_slice(&trailer);
            }
            Self::Cm { rtcp, .. } => {
                rtcp.counter.apply(rtcp.iv(ssrc, u64::from(index)), packets.get_mut(start + RTCP_HEADER..)?)?;
                let tag = rtcp.tag(packets.get(start..)?, index | ENCRYPTED);
                packets.extend_from_slice(&trailer);
                packets.extend_from_slice(&tag.as_ref()[..SHA1_80_TAG]);
            }
            Self::None => {}
        }
        Some(())
    }

    /// The index of a protected RTCP packet. None if it is too short, or not encrypted, which nobody
    /// negotiated.
    pub(super) fn rtcp_index(&self, packet: &[u8]) -> Option<u32> {
        let behind = match self {
            Self::Gcm { .. } => 0,
            Self::Cm { .. } => SHA1_80_TAG,
            Self::None => return None,
        };
        let at = packet.len().checked_sub(behind + 4).filter(|at| *at >= RTCP_HEADER)?;
        let word = crate::wire::bytes::u32_at(packet, at)?;
        (word & ENCRYPTED != 0).then_some(word & !ENCRYPTED)
    }

    /// Open an RTCP packet in place; gives the length of the plain packet.
    pub(super) fn open_rtcp(&self, packet: &mut [u8], ssrc: u32, index: u32) -> Option<usize> {
        match self {
            Self::Gcm { rtcp, .. } => {
                let length = packet.len().checked_sub(4).filter(|length| *length >= RTCP_HEADER + GCM_TAG)?;
                let (body, trailer) = packet.split_at_mut(length);
                let (head, sealed) = body.split_at_mut(RTCP_HEADER);
                let aad = rtcp_aad(head, *trailer.first_chunk()?)?;
                let plain = rtcp.key.open_in_place(rtcp.rtcp_nonce(ssrc, index), Aad::from(aad), sealed).ok()?;
                Some(RTCP_HEADER + plain.len())
            }
            Self::Cm { rtcp, .. } => {
                let length = packet.len().checked_sub(SHA1_80_TAG + 4).filter(|length| *length >= RTCP_HEADER)?;
                let (sealed, trailer) = packet.split_at_mut(length);
                rtcp.verify(sealed, index | ENCRYPTED, &trailer[4..])?;
                rtcp.counter.apply(rtcp.iv(ssrc, u64::from(index)), &mut sealed[RTCP_HEADER..])?;
                Some(length)
            }
            Self::None => Some(packet.len()),
        }
    }
}

/// RFC 7714 section 9.2: the header, then the word with E bit and index.
fn rtcp_aad(head: &[u8], trailer: [u8; 4]) -> Option<[u8; RTCP_HEADER + 4]> {
    let mut aad = [0; RTCP_HEADER + 4];
    aad[..RTCP_HEADER].copy_from_slice(head.get(..RTCP_HEADER)?);
    aad[RTCP_HEADER..].copy_from_slice(&trailer);
    Some(aad)
}

impl Gcm {
    fn new(keys: &Keys, encryption: Label, salt: Label) -> Option<Self> {
        let algorithm = if keys.profile == Profile::Gcm256 { &AES_256_GCM } else { &AES_128_GCM };
        let key = UnboundKey::new(algorithm, &keys.derive(encryption, keys.profile.key_length())?).ok()?;
        Some(Self { key: LessSafeKey::new(key), salt: keys.derive(salt, 12)?.try_into().ok()? })
    }

    /// RFC 7714 section 8.1: two zero bytes, SSRC, 48-bit index, all xor the salt.
    fn rtp_nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut iv = [0; 12];
        iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
        iv[6..].copy_from_slice(&index.to_be_bytes()[2..]);
        self.salted(iv)
    }

    /// RFC 7714 section 9.1: two zero bytes, SSRC, two zero bytes, 31-bit index, all xor the salt.
    fn rtcp_nonce(&self, ssrc: u32, index: u32) -> Nonce {
        let mut iv = [0; 12];
        iv[2..6].copy_from_slice(&ssrc.to_be_bytes());
        iv[8..].copy_from_slice(&index.to_be_bytes());
        self.salted(iv)
    }

    fn salted(&self, mut iv: [u8; 12]) -> Nonce {
        for (byte, salt) in iv.iter_mut().zip(self.salt) {
            *byte ^= salt;
        }
        Nonce::assume_unique_for_key(iv)
    }
}

impl Cm {
    fn new(keys: &Keys, encryption: Label, authentication: Label, salt: Label) -> Option<Self> {
        const AUTHENTICATION_KEY: usize = 20;
        Some(Self {
            counter: Counter::new(&keys.derive(encryption, keys.profile.key_length())?)?,
            authentication: hmac::Key::new(
                hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
                &keys.derive(authentication, AUTHENTICATION_KEY)?,
            ),
            salt: keys.derive(salt, 14)?.try_into().ok()?,
        })
    }

    /// RFC 3711 section 4.1.1: salt * 2^16 xor SSRC * 2^64 xor index * 2^16.
    fn iv(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[..14].copy_from_slice(&self.salt);
        for (byte, part) in iv[4..8].iter_mut().zip(ssrc.to_be_bytes()) {
            *byte ^= part;
        }
        for (byte, part) in iv[8..14].iter_mut().zip(&index.to_be_bytes()[2..]) {
            *byte ^= part;
        }
        iv
    }

    fn tag(&self, packet: &[u8], trailer: u32) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.authentication);
        context.update(packet);
        context.update(&trailer.to_be_bytes());
        context.sign()
    }

    fn verify(&self, packet: &[u8], trailer: u32, tag: &[u8]) -> Option<()> {
        let right = self.tag(packet, trailer);
        constant_time::verify_slices_are_equal(&right.as_ref()[..SHA1_80_TAG], tag).ok()
    }
}
