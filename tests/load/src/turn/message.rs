//! Messages of STUN and TURN (RFC 8489, RFC 8656), as far as a client of IPv4 needs them.

use std::net::{Ipv4Addr, SocketAddrV4};

use aws_lc_rs::hmac;
use md5::{Digest, Md5};

pub const ALLOCATE: u16 = 0x0003;
pub const CHANNEL_BIND: u16 = 0x0009;
const SUCCESS: u16 = 0x0100;

const USERNAME: u16 = 0x0006;
const MESSAGE_INTEGRITY: u16 = 0x0008;
pub const ERROR_CODE: u16 = 0x0009;
pub const CHANNEL_NUMBER: u16 = 0x000C;
pub const XOR_PEER_ADDRESS: u16 = 0x0012;
pub const REALM: u16 = 0x0014;
pub const NONCE: u16 = 0x0015;
pub const XOR_RELAYED_ADDRESS: u16 = 0x0016;
pub const REQUESTED_TRANSPORT: u16 = 0x0019;

const COOKIE: u32 = 0x2112_A442;
pub const HEADER: usize = 20;
const ATTRIBUTE_HEADER: usize = 4;
/// Of MESSAGE-INTEGRITY.
const MAC: usize = 20;
const IPV4: u8 = 1;

/// Who asks (long-term credentials, RFC 8489 section 9.2).
pub struct Account {
    username: String,
    realm: Vec<u8>,
    nonce: Vec<u8>,
    key: hmac::Key,
}

impl Account {
    /// By the realm and the nonce that the server told.
    pub fn new(username: &str, password: &str, realm: &[u8], nonce: &[u8]) -> Self {
        let secret = Md5::new().chain_update(username).chain_update(b":").chain_update(realm);
        let secret = secret.chain_update(b":").chain_update(password).finalize();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &secret);
        Self { username: username.to_owned(), realm: realm.to_vec(), nonce: nonce.to_vec(), key }
    }
}

/// A request with these attributes, signed if somebody does.
pub fn request(method: u16, attributes: &[(u16, &[u8])], account: Option<&Account>) -> Vec<u8> {
    let mut message = method.to_be_bytes().to_vec();
    message.extend_from_slice(&[0, 0]);
    message.extend_from_slice(&COOKIE.to_be_bytes());
    message.extend_from_slice(&std::array::from_fn::<u8, 12, _>(|_| fastrand::u8(..)));
    for (kind, value) in attributes {
        append(&mut message, *kind, value);
    }
    if let Some(account) = account {
        append(&mut message, USERNAME, account.username.as_bytes());
        append(&mut message, REALM, &account.realm);
        append(&mut message, NONCE, &account.nonce);
        // Signed with the length that it will have.
        set_length(&mut message, ATTRIBUTE_HEADER + MAC);
        let mac = hmac::sign(&account.key, &message);
        append(&mut message, MESSAGE_INTEGRITY, mac.as_ref());
    }
    set_length(&mut message, 0);
    message
}

fn append(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&(value.len() as u16).to_be_bytes());
    message.extend_from_slice(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

fn set_length(message: &mut [u8], more: usize) {
    let length = (message.len() + more - HEADER) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
}

/// How long the message is that begins so; None as long as too little has come.
pub fn length(beginning: &[u8]) -> Option<usize> {
    let length = beginning.get(2..4)?;
    Some(HEADER + usize::from(u16::from_be_bytes([length[0], length[1]])))
}

/// Whether the answer grants what was asked.
pub fn grants(answer: &[u8], method: u16) -> bool {
    answer.starts_with(&(method | SUCCESS).to_be_bytes())
}

/// What an attribute says.
pub fn find(answer: &[u8], wanted: u16) -> Option<&[u8]> {
    let mut rest = answer.get(HEADER..)?;
    while let [high, low, length_high, length_low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let value = rest.get(ATTRIBUTE_HEADER..ATTRIBUTE_HEADER + length)?;
        if u16::from_be_bytes([high, low]) == wanted {
            return Some(value);
        }
        rest = rest.get(ATTRIBUTE_HEADER + length.next_multiple_of(4)..)?;
    }
    None
}

/// An address among the attributes, if it is there.
pub fn find_address(answer: &[u8], wanted: u16) -> Option<SocketAddrV4> {
    let value = find(answer, wanted)?;
    let port = u16::from_be_bytes([*value.get(2)?, *value.get(3)?]) ^ (COOKIE >> 16) as u16;
    let host = u32::from_be_bytes(value.get(4..8)?.try_into().ok()?) ^ COOKIE;
    Some(SocketAddrV4::new(Ipv4Addr::from(host), port))
}

pub fn xor_address(address: SocketAddrV4) -> [u8; 8] {
    let port = (address.port() ^ (COOKIE >> 16) as u16).to_be_bytes();
    let host = (u32::from(*address.ip()) ^ COOKIE).to_be_bytes();
    [0, IPV4, port[0], port[1], host[0], host[1], host[2], host[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_address_that_it_wrote() {
        let address = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 1), 49_152);
        let answer = request(ALLOCATE, &[(NONCE, b"odd"), (XOR_RELAYED_ADDRESS, &xor_address(address))], None);
        assert_eq!(find_address(&answer, XOR_RELAYED_ADDRESS), Some(address));
        assert_eq!(find_address(&answer[..answer.len() - 1], XOR_RELAYED_ADDRESS), None);
        assert_eq!(length(&answer), Some(answer.len()));
    }

    #[test]
    fn signs_as_the_rfc_wants_it() {
        // MD5("user:realm:pass"), the example of RFC 8489 section 9.2.2.
        const KEY: [u8; 16] = 0x8493_fbc5_3ba5_82fb_4c04_4c45_6bdc_40eb_u128.to_be_bytes();
        let account = Account::new("user", "pass", b"realm", b"nonce");
        let message = request(ALLOCATE, &[], Some(&account));
        assert_eq!(length(&message), Some(message.len()));
        let (signed, mac) = message.split_at(message.len() - MAC);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &KEY);
        assert!(hmac::verify(&key, &signed[..signed.len() - ATTRIBUTE_HEADER], mac).is_ok());
    }
}
