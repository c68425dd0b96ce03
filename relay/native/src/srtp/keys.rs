//! Protection profiles, and session keys derived from master keys (RFC 3711 section 4.3).

use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;

/// What DTLS-SRTP may agree on (RFC 5764, RFC 7714).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// AEAD_AES_128_GCM
    Gcm128,
    /// AEAD_AES_256_GCM
    Gcm256,
    /// AES128_CM_SHA1_80
    Cm128Sha1,
}

impl Profile {
    /// Bytes of the master key, and of the session key.
    pub const fn key_length(self) -> usize {
        match self {
            Self::Gcm128 | Self::Cm128Sha1 => 16,
            Self::Gcm256 => 32,
        }
    }

    /// Bytes of the master salt, and of the session salt.
    pub const fn salt_length(self) -> usize {
        match self {
            Self::Gcm128 | Self::Gcm256 => 12,
            Self::Cm128Sha1 => 14,
        }
    }

    /// Bytes that protection adds to an RTP packet.
    pub const fn tag_length(self) -> usize {
        match self {
            Self::Gcm128 | Self::Gcm256 => 16,
            Self::Cm128Sha1 => 10,
        }
    }
}

/// Master key and salt of one direction. Never printed.
pub struct Keys {
    /// How packets are protected.
    pub profile: Profile,
    material: Vec<u8>,
}

impl Keys {
    /// `material` is the key followed by the salt; None if its length does not fit the profile.
    pub fn new(profile: Profile, material: Vec<u8>) -> Option<Self> {
        (material.len() == profile.key_length() + profile.salt_length()).then_some(Self { profile, material })
    }

    /// The session key for `label` (RFC 3711 section 4.3.1) with a key derivation rate of zero.
    pub(super) fn derive(&self, label: Label, length: usize) -> Option<Vec<u8>> {
        let (key, salt) = self.material.split_at(self.profile.key_length());
        let mut iv = [0; 16];
        // A 96-bit salt is padded on the right (RFC 7714 section 11).
        iv[..salt.len()].copy_from_slice(salt);
        iv[7] ^= label as u8;
        let mut derived = vec![0; length];
        Counter::new(key)?.apply(iv, &mut derived)?;
        Some(derived)
    }
}

/// What a session key is for.
#[derive(Clone, Copy)]
pub(super) enum Label {
    RtpEncryption = 0,
    RtpAuthentication = 1,
    RtpSalt = 2,
    RtcpEncryption = 3,
    RtcpAuthentication = 4,
    RtcpSalt = 5,
}

/// AES in counter mode, with its key schedule made once.
pub(super) struct Counter(EncryptingKey);

impl Counter {
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
        Some(Self(EncryptingKey::ctr(UnboundCipherKey::new(algorithm, key).ok()?).ok()?))
    }

    /// Encrypt or decrypt in place, which is the same.
    pub(super) fn apply(&self, iv: [u8; 16], bytes: &mut [u8]) -> Option<()> {
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        self.0.less_safe_encrypt(bytes, context).ok().map(drop)
    }
}
