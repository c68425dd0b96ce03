//! STUN Binding requests and responses (RFC 8489), as far as an ICE-lite agent needs them that asks back.
//!
//! Parsing allocates nothing and believes nothing: what it returns is only worth something once
//! [`Message::is_authentic`] said so.

use std::net::{IpAddr, SocketAddr};

use aws_lc_rs::hmac;

use crate::wire::bytes::{u16_at, u32_at};

/// In every message of STUN (section 5).
pub(super) const MAGIC_COOKIE: u32 = 0x2112_a442;
/// Bytes before the attributes.
pub(super) const HEADER: usize = 20;
const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
pub(super) const USERNAME: u16 = 0x0006;
pub(super) const MESSAGE_INTEGRITY: u16 = 0x0008;
pub(super) const XOR_MAPPED_ADDRESS: u16 = 0x0020;
const PRIORITY: u16 = 0x0024;
const USE_CANDIDATE: u16 = 0x0025;
const ICE_CONTROLLED: u16 = 0x8029;
pub(super) const FINGERPRINT: u16 = 0x8028;
const FINGERPRINT_XOR: u32 = 0x5354_554e;
pub(super) const INTEGRITY_LENGTH: usize = 20;

/// Families of addresses (section 14.1).
pub(super) const FAMILY_V4: u8 = 1;
/// The other one.
pub(super) const FAMILY_V6: u8 = 2;

/// Of a host candidate, which is all that we have (RFC 8445 section 5.1.2.2).
const HOST_PRIORITY: u32 = 126 << 24 | 0xffff << 8 | 0xff;

/// The key of MESSAGE-INTEGRITY from an ICE password (short-term credentials).
pub fn integrity_key(password: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password)
}

/// A well-formed Binding request, which is a check, or the success response to one.
#[derive(Debug)]
pub struct Message<'a> {
    message: &'a [u8],
    /// Whether it is a response.
    pub is_answer: bool,
    /// Its id; random, so that no two checks share one.
    pub transaction: [u8; 12],
    username: &'a [u8],
    /// Whether it nominates its path.
    pub use_candidate: bool,
    integrity_at: Option<usize>,
}

impl<'a> Message<'a> {
    /// Read a message; None if it is anything else.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16_at(message, 2)?);
        let kind = u16_at(message, 0)?;
        if !matches!(kind, BINDING_REQUEST | BINDING_SUCCESS)
            || u32_at(message, 4)? != MAGIC_COOKIE
            || message.len() != HEADER + length
            || length % 4 != 0
        {
            return None;
        }
        let transaction = *message.get(8..)?.first_chunk()?;
        let (mut username, mut use_candidate, mut integrity_at) = (&message[..0], false, None);
        let mut at = HEADER;
        while at < message.len() {
            let (kind, size) = (u16_at(message, at)?, usize::from(u16_at(message, at + 2)?));
            let value = message.get(at + 4..at + 4 + size)?;
            match (kind, integrity_at) {
                (FINGERPRINT, _) if is_right_fingerprint(message, at, value) => {}
                (FINGERPRINT, _) => return None,
                // What follows MESSAGE-INTEGRITY is not protected by it (section 14.5).
                (_, Some(_)) => {}
                (MESSAGE_INTEGRITY, None) if size == INTEGRITY_LENGTH => integrity_at = Some(at),
                (MESSAGE_INTEGRITY, None) => return None,
                (USERNAME, None) => username = value,
                (USE_CANDIDATE, None) => use_candidate = true,
                _ => {}
            }
            at += 4 + size.next_multiple_of(4);
        }
        Some(Self { message, is_answer: kind == BINDING_SUCCESS, transaction, username, use_candidate, integrity_at })
    }

    /// Our own ufrag: what USERNAME has before the colon (RFC 8445 section 7.2.2); empty without USERNAME.
    pub fn local_ufrag(&self) -> &'a [u8] {
        self.username.split(|byte| *byte == b':').next().unwrap_or_default()
    }

    /// The sender's: what USERNAME has behind the colon.
    pub fn remote_ufrag(&self) -> &'a [u8] {
        self.username.splitn(2, |byte| *byte == b':').nth(1).unwrap_or_default()
    }

    /// Whether MESSAGE-INTEGRITY was made with this key. Takes the same time for every answer.
    pub fn is_authentic(&self, key: &hmac::Key) -> bool {
        self.integrity_at.is_some_and(|at| is_signed(self.message, at, key))
    }

    /// Append the response that tells the sender its address as seen from here.
    pub fn respond(&self, mapped: SocketAddr, key: &hmac::Key, response: &mut Vec<u8>) {
        let start = begin(BINDING_SUCCESS, &self.transaction, response);
        append_address(response, XOR_MAPPED_ADDRESS, mapped, &self.transaction);
        sign(response, start, key);
    }
}

/// Append a check of our own, of a controlled agent, signed with the password of whom it goes to.
pub fn write_check(
    transaction: [u8; 12],
    remote_ufrag: &[u8],
    local_ufrag: &[u8],
    key: &hmac::Key,
    message: &mut Vec<u8>,
) {
    let start = begin(BINDING_REQUEST, &transaction, message);
    let length = remote_ufrag.len() + 1 + local_ufrag.len();
    message.extend_from_slice(&USERNAME.to_be_bytes());
    message.extend_from_slice(&(length as u16).to_be_bytes());
    message.extend_from_slice(remote_ufrag);
    message.push(b':');
    message.extend_from_slice(local_ufrag);
    message.resize(message.len() + length.next_multiple_of(4) - length, 0);
    append_attribute(message, PRIORITY, &HOST_PRIORITY.to_be_bytes());
    // The tie-breaker: a lite agent never becomes the controlling one, so no conflict is ever decided by it.
    append_attribute(message, ICE_CONTROLLED, &[0; 8]);
    sign(message, start, key);
}

/// Begin a message; gives where. Its length is set when it is signed, or by [`finish`].
pub(super) fn begin(kind: u16, transaction: &[u8; 12], message: &mut Vec<u8>) -> usize {
    let start = message.len();
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(&MAGIC_COOKIE.to_be_bytes());
    message.extend_from_slice(transaction);
    start
}

/// End a message that nobody signs.
pub(super) fn finish(message: &mut [u8], start: usize) {
    set_length(message, start, 0);
}

/// Append MESSAGE-INTEGRITY and FINGERPRINT, and set the length.
pub(super) fn sign(message: &mut Vec<u8>, start: usize, key: &hmac::Key) {
    set_length(message, start, 4 + INTEGRITY_LENGTH);
    let tag = hmac::sign(key, &message[start..]);
    append_attribute(message, MESSAGE_INTEGRITY, tag.as_ref());
    set_length(message, start, 8);
    let fingerprint = crc32(&message[start..]) ^ FINGERPRINT_XOR;
    append_attribute(message, FINGERPRINT, &fingerprint.to_be_bytes());
}

/// Whether the MESSAGE-INTEGRITY at `integrity_at` was made with this key. Takes the same time for every answer.
pub(super) fn is_signed(message: &[u8], integrity_at: usize, key: &hmac::Key) -> bool {
    let mut signed = hmac::Context::with_key(key);
    // The length as if MESSAGE-INTEGRITY were the last attribute.
    let length = (integrity_at + 4 + INTEGRITY_LENGTH - HEADER) as u16;
    signed.update(&message[..2]);
    signed.update(&length.to_be_bytes());
    signed.update(&message[4..integrity_at]);
    let tag = &message[integrity_at + 4..][..INTEGRITY_LENGTH];
    aws_lc_rs::constant_time::verify_slices_are_equal(signed.sign().as_ref(), tag).is_ok()
}

/// Whether FINGERPRINT, which begins at `at` and has this value, is right (section 14.7): the last attribute, over
/// everything before it.
pub(super) fn is_right_fingerprint(message: &[u8], at: usize, value: &[u8]) -> bool {
    let right = u32_at(value, 0) == Some(crc32(&message[..at]) ^ FINGERPRINT_XOR);
    value.len() == 4 && at + 8 == message.len() && right
}

/// What hides an address from those who would rewrite it (section 14.2).
fn mask(transaction: &[u8; 12]) -> [u8; 16] {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(transaction);
    mask
}

/// Append an address as XOR-MAPPED-ADDRESS and its kin have it.
pub(super) fn append_address(message: &mut Vec<u8>, kind: u16, address: SocketAddr, transaction: &[u8; 12]) {
    let mut value = [0; 20];
    let port = address.port() ^ (MAGIC_COOKIE >> 16) as u16;
    value[2..4].copy_from_slice(&port.to_be_bytes());
    let length = match address.ip() {
        IpAddr::V4(ip) => {
            value[1] = FAMILY_V4;
            value[4..8].copy_from_slice(&ip.octets());
            8
        }
        IpAddr::V6(ip) => {
            value[1] = FAMILY_V6;
            value[4..20].copy_from_slice(&ip.octets());
            20
        }
    };
    for (byte, mask) in value[4..length].iter_mut().zip(mask(transaction)) {
        *byte ^= mask;
    }
    append_attribute(message, kind, &value[..length]);
}

/// The same, read.
pub(super) fn address(value: &[u8], transaction: &[u8; 12]) -> Option<SocketAddr> {
    let port = u16_at(value, 2)? ^ (MAGIC_COOKIE >> 16) as u16;
    let mask = mask(transaction);
    let unmasked = |at: usize| value[4 + at] ^ mask[at];
    let ip = match (value.get(1)?, value.len()) {
        (&FAMILY_V4, 8) => IpAddr::from(std::array::from_fn::<u8, 4, _>(unmasked)),
        (&FAMILY_V6, 20) => IpAddr::from(std::array::from_fn::<u8, 16, _>(unmasked)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

/// `value` must fill whole words.
pub(super) fn append_attribute(response: &mut Vec<u8>, kind: u16, value: &[u8]) {
    response.extend_from_slice(&kind.to_be_bytes());
    response.extend_from_slice(&(value.len() as u16).to_be_bytes());
    response.extend_from_slice(value);
}

/// Set the length field to what is there and what is about to follow.
fn set_length(response: &mut [u8], start: usize, following: usize) {
    let length = (response.len() - start - HEADER + following) as u16;
    response[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// CRC-32 of ISO HDLC, a nibble at a time: checks are rare and short.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut index = 0;
        while index < 16 {
            let (mut value, mut bit) = (index as u32, 0);
            while bit < 4 {
                value = if value & 1 == 1 { value >> 1 ^ 0xedb8_8320 } else { value >> 1 };
                bit += 1;
            }
            table[index] = value;
            index += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, byte| {
        let crc = crc >> 4 ^ TABLE[((crc ^ u32::from(*byte)) & 15) as usize];
        crc >> 4 ^ TABLE[((crc ^ u32::from(*byte) >> 4) & 15) as usize]
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// RFC 5769 section 2.1: a request with software, priority, ICE-CONTROLLED, username "evtj:h6vY",
    /// made with the password below.
    const REQUEST: &[u8] = b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae\
\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\x93\x2f\xf9\xb1\x51\x26\x3b\x36\
\x00\x06\x00\x09\x65\x76\x74\x6a\x3a\x68\x36\x76\x59\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\x0c\xbf\xd8\xcb\x56\
\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\xcf";
    const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

    #[test]
    fn the_sample_request_of_rfc_5769_is_authentic() {
        let check = Message::parse(REQUEST).unwrap();
        assert_eq!((check.local_ufrag(), check.remote_ufrag()), (&b"evtj"[..], &b"h6vY"[..]));
        assert!(!check.use_candidate);
        assert!(check.is_authentic(&integrity_key(PASSWORD)));
        assert!(!check.is_authentic(&integrity_key(b"another")));
    }

    #[test]
    fn a_request_that_was_changed_or_cut_anywhere_is_refused() {
        let key = integrity_key(PASSWORD);
        // All but the type and length of FINGERPRINT, which is optional.
        for at in (0..100).chain(104..REQUEST.len()) {
            let mut changed = REQUEST.to_vec();
            changed[at] ^= 1;
            assert!(Message::parse(&changed).is_none_or(|check| !check.is_authentic(&key)), "byte {at}");
        }
        for length in 0..REQUEST.len() {
            assert!(Message::parse(&REQUEST[..length]).is_none());
        }
    }

    #[test]
    fn the_response_is_signed_and_names_the_address() {
        let check = Message::parse(REQUEST).unwrap();
        let mut response = b"before".to_vec();
        check.respond("192.0.2.1:32853".parse().unwrap(), &integrity_key(PASSWORD), &mut response);
        let response = &response[6..];
        // XOR-MAPPED-ADDRESS as in RFC 5769 section 2.2, which has the same address and transaction.
        assert!(response.windows(12).any(|bytes| bytes == b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"));
        assert_eq!(usize::from(u16_at(response, 2).unwrap()) + HEADER, response.len());
        let fingerprint = u32_at(response, response.len() - 4).unwrap();
        assert_eq!(fingerprint, crc32(&response[..response.len() - 8]) ^ FINGERPRINT_XOR);
        let answer = Message::parse(response).unwrap();
        assert!(answer.is_answer && answer.is_authentic(&integrity_key(PASSWORD)));
        assert_eq!(answer.transaction, check.transaction);
    }

    #[test]
    fn a_check_of_ours_is_one_that_we_would_take() {
        for remote in [&b"evtj"[..], b"evtjx", &[b'x'; 256]] {
            let mut message = b"before".to_vec();
            write_check([7; 12], remote, b"h6vYh6vYh6vY", &integrity_key(PASSWORD), &mut message);
            let check = Message::parse(&message[6..]).unwrap();
            assert!(!check.is_answer && !check.use_candidate);
            assert_eq!((check.local_ufrag(), check.transaction), (remote, [7; 12]));
            assert!(check.is_authentic(&integrity_key(PASSWORD)));
        }
    }

    #[test]
    fn what_somebody_appended_behind_the_signature_nominates_nothing() {
        let mut message = REQUEST[..REQUEST.len() - 8].to_vec();
        message.extend_from_slice(&USE_CANDIDATE.to_be_bytes());
        message.extend_from_slice(&[0, 0]);
        set_length(&mut message, 0, 0);
        let check = Message::parse(&message).unwrap();
        assert!(check.is_authentic(&integrity_key(PASSWORD)) && !check.use_candidate);
    }
}
