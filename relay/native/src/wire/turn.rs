//! TURN messages (RFC 8656), as far as a server needs them: requests and Send indications in, responses and Data
//! indications out, and ChannelData both ways.
//!
//! Parsing believes nothing: what a request says is only worth something once [`Request::is_authentic`] said so.

use std::net::SocketAddr;
use std::ops::Range;

use aws_lc_rs::hmac;

use super::bytes::{u16_at, u32_at};
use super::stun::{
    self, FAMILY_V4, FAMILY_V6, FINGERPRINT, HEADER, INTEGRITY_LENGTH, MAGIC_COOKIE, MESSAGE_INTEGRITY, USERNAME,
    XOR_MAPPED_ADDRESS, append_address, append_attribute,
};

const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const CHANNEL_NUMBER: u16 = 0x000c;
const LIFETIME: u16 = 0x000d;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const DATA: u16 = 0x0013;
const REALM: u16 = 0x0014;
const NONCE: u16 = 0x0015;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const REQUESTED_ADDRESS_FAMILY: u16 = 0x0017;
const REQUESTED_TRANSPORT: u16 = 0x0019;
const DONT_FRAGMENT: u16 = 0x001a;
const MESSAGE_INTEGRITY_SHA256: u16 = 0x001c;
const DATA_INDICATION: u16 = 0x0017;
const SUCCESS: u16 = 0x0100;
const ERROR: u16 = 0x0110;

/// Attributes with at least this number may be left unread (RFC 8489 section 14).
const OPTIONAL: u16 = 0x8000;

/// Peers that one request may name. A browser names one.
pub const MOST_PEERS: usize = 8;

/// Unknown attributes that one answer lists.
const MOST_UNKNOWN: usize = 4;

/// First bytes of ChannelData (section 12): they tell it from all else (RFC 7983 section 7).
pub const CHANNELS: Range<u16> = 0x4000..0x5000;

/// Bytes before the data in ChannelData.
pub const CHANNEL_HEADER: usize = 4;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of section 17
pub enum Method {
    Allocate = 0x0003,
    Refresh = 0x0004,
    /// An indication: nobody answers it.
    Send = 0x0016,
    CreatePermission = 0x0008,
    ChannelBind = 0x0009,
}

impl Method {
    /// By the type of a message that a client sends.
    fn of(kind: u16) -> Option<Self> {
        let all = [Self::Allocate, Self::Refresh, Self::Send, Self::CreatePermission, Self::ChannelBind];
        all.into_iter().find(|method| *method as u16 == kind)
    }

    /// Whether a message begins like one of TURN. Nothing else is said of it.
    pub fn begins(message: &[u8]) -> bool {
        u16_at(message, 0).is_some_and(|kind| Self::of(kind).is_some())
    }
}

/// Why a request is refused (section 18.4, RFC 8489 section 14.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are those of the RFC
pub enum Refusal {
    BadRequest = 400,
    Unauthenticated = 401,
    Forbidden = 403,
    UnknownAttribute = 420,
    AllocationMismatch = 437,
    StaleNonce = 438,
    AddressFamilyNotSupported = 440,
    WrongCredentials = 441,
    UnsupportedTransport = 442,
    InsufficientCapacity = 508,
}

/// A well-formed message of a client.
#[derive(Debug)]
pub struct Request<'a> {
    message: &'a [u8],
    /// What it asks.
    pub method: Method,
    /// Its id.
    pub transaction: [u8; 12],
    /// Whose credentials it is signed with.
    pub username: Option<&'a [u8]>,
    /// As we said it.
    pub realm: Option<&'a [u8]>,
    /// As we said it.
    pub nonce: Option<&'a [u8]>,
    integrity_at: Option<usize>,
    /// By its number at IANA.
    pub transport: Option<u8>,
    /// Of the address that it wants; None if it does not say, or says what there is not.
    pub family: Option<Result<Family, Refusal>>,
    /// In seconds.
    pub lifetime: Option<u32>,
    /// Whom it wants to reach.
    pub peers: Vec<SocketAddr>,
    /// For ChannelBind.
    pub channel: Option<u16>,
    /// For Send: where it lies in the message.
    pub data: Option<Range<usize>>,
    /// That must be understood, and are not.
    unknown: Vec<u16>,
}

/// Of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub enum Family {
    V4,
    V6,
}

impl Family {
    /// Whether it has this one.
    pub fn has(self, address: &SocketAddr) -> bool {
        address.is_ipv4() == (self == Self::V4)
    }
}

impl<'a> Request<'a> {
    /// Read a message; None if it is anything else.
    pub fn parse(message: &'a [u8]) -> Option<Self> {
        let length = usize::from(u16_at(message, 2)?);
        let method = Method::of(u16_at(message, 0)?)?;
        if u32_at(message, 4)? != MAGIC_COOKIE || message.len() != HEADER + length || length % 4 != 0 {
            return None;
        }
        let mut request = Self {
            message,
            method,
            transaction: *message.get(8..)?.first_chunk()?,
            username: None,
            realm: None,
            nonce: None,
            integrity_at: None,
            transport: None,
            family: None,
            lifetime: None,
            peers: Vec::new(),
            channel: None,
            data: None,
            unknown: Vec::new(),
        };
        let mut at = HEADER;
        while at < message.len() {
            let (kind, size) = (u16_at(message, at)?, usize::from(u16_at(message, at + 2)?));
            let value = message.get(at + 4..at + 4 + size)?;
            request.take(kind, value, at)?;
            at += 4 + size.next_multiple_of(4);
        }
        Some(request)
    }

    /// Read the attribute at `at`. None if it is not what it says.
    fn take(&mut self, kind: u16, value: &'a [u8], at: usize) -> Option<()> {
        if kind == FINGERPRINT {
            return stun::is_right_fingerprint(self.message, at, value).then_some(());
        }
        if self.integrity_at.is_some() {
            return Some(()); // not protected by it (RFC 8489 section 14.5)
        }
        match kind {
            MESSAGE_INTEGRITY => {
                self.integrity_at = (value.len() == INTEGRITY_LENGTH).then_some(at);
                self.integrity_at?;
            }
            USERNAME => self.username = Some(value),
            REALM => self.realm = Some(value),
            NONCE => self.nonce = Some(value),
            REQUESTED_TRANSPORT => self.transport = Some(*value.first()?),
            REQUESTED_ADDRESS_FAMILY => {
                self.family = Some(match *value.first()? {
                    FAMILY_V4 => Ok(Family::V4),
                    FAMILY_V6 => Ok(Family::V6),
                    _ => Err(Refusal::AddressFamilyNotSupported),
                });
            }
            LIFETIME => self.lifetime = Some(u32_at(value, 0)?),
            CHANNEL_NUMBER => self.channel = Some(u16_at(value, 0)?),
            XOR_PEER_ADDRESS if self.peers.len() >= MOST_PEERS => return None,
            XOR_PEER_ADDRESS => self.peers.push(stun::address(value, &self.transaction)?),
            DATA => self.data = Some(at + 4..at + 4 + value.len()),
            // There is nothing on the way to a peer that could fragment. SHA-256 stands beside the older one, or alone,
            // and then the request is not signed as we ask.
            DONT_FRAGMENT | MESSAGE_INTEGRITY_SHA256 => {}
            OPTIONAL.. => {}
            _ if self.unknown.len() < MOST_UNKNOWN => self.unknown.push(kind),
            _ => {}
        }
        Some(())
    }

    /// Bytes.
    pub fn length(&self) -> usize {
        self.message.len()
    }

    /// Whether it is signed at all.
    pub fn is_signed(&self) -> bool {
        self.integrity_at.is_some()
    }

    /// Whether it has attributes that must be understood, and are not.
    pub fn has_unknown(&self) -> bool {
        !self.unknown.is_empty()
    }

    /// Whether MESSAGE-INTEGRITY was made with this key.
    pub fn is_authentic(&self, key: &hmac::Key) -> bool {
        self.integrity_at.is_some_and(|at| stun::is_signed(self.message, at, key))
    }

    /// Append the answer that grants it: what `write` adds, signed.
    pub fn grant(&self, key: &hmac::Key, response: &mut Vec<u8>, write: impl FnOnce(&mut Answer<'_>)) {
        let start = stun::begin(self.method as u16 | SUCCESS, &self.transaction, response);
        write(&mut Answer { response, transaction: &self.transaction });
        stun::sign(response, start, key);
    }

    /// Append the answer that refuses it, without words: to a stranger it must stay small. `challenge` are realm and
    /// nonce, for those who have to sign. Who has signed rightly is answered with a signature, and believes nothing else
    /// (RFC 8489 section 9.2.5).
    pub fn refuse(
        &self,
        refusal: Refusal,
        challenge: Option<(&[u8], &[u8])>,
        key: Option<&hmac::Key>,
        response: &mut Vec<u8>,
    ) {
        let start = stun::begin(self.method as u16 | ERROR, &self.transaction, response);
        let code = refusal as u16;
        append_attribute(response, ERROR_CODE, &[0, 0, (code / 100) as u8, (code % 100) as u8]);
        if refusal == Refusal::UnknownAttribute {
            let kinds: Vec<u8> = self.unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
            append_padded(response, UNKNOWN_ATTRIBUTES, &kinds);
        }
        if let Some((realm, nonce)) = challenge {
            append_padded(response, REALM, realm);
            append_padded(response, NONCE, nonce);
        }
        match key {
            Some(key) => stun::sign(response, start, key),
            None => stun::finish(response, start),
        }
    }
}

/// An answer that is being written.
pub struct Answer<'a> {
    response: &'a mut Vec<u8>,
    transaction: &'a [u8; 12],
}

impl Answer<'_> {
    /// From where the client reaches its peers, and from where we see the client itself.
    pub fn addresses(&mut self, relayed: SocketAddr, mapped: SocketAddr) -> &mut Self {
        append_address(self.response, XOR_RELAYED_ADDRESS, relayed, self.transaction);
        append_address(self.response, XOR_MAPPED_ADDRESS, mapped, self.transaction);
        self
    }

    /// For how many seconds.
    pub fn lifetime(&mut self, seconds: u32) -> &mut Self {
        append_attribute(self.response, LIFETIME, &seconds.to_be_bytes());
        self
    }
}

fn append_padded(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&(value.len() as u16).to_be_bytes());
    message.extend_from_slice(value);
    message.resize(message.len() + value.len().next_multiple_of(4) - value.len(), 0);
}

/// Append a Data indication (section 11.6): what a peer sent, while no channel is bound to it.
pub fn write_data(transaction: &[u8; 12], peer: SocketAddr, data: &[u8], message: &mut Vec<u8>) {
    let start = stun::begin(DATA_INDICATION, transaction, message);
    append_address(message, XOR_PEER_ADDRESS, peer, transaction);
    append_padded(message, DATA, data);
    stun::finish(message, start);
}

/// Append ChannelData (section 12.4). Over a stream it is padded to whole words.
pub fn write_channel(channel: u16, data: &[u8], is_stream: bool, message: &mut Vec<u8>) {
    message.extend_from_slice(&channel.to_be_bytes());
    message.extend_from_slice(&(data.len() as u16).to_be_bytes());
    message.extend_from_slice(data);
    if is_stream {
        message.resize(message.len() + data.len().next_multiple_of(4) - data.len(), 0);
    }
}

/// The channel, and where its data lie (section 12.6). There may be padding behind.
pub fn read_channel(message: &[u8]) -> Option<(u16, Range<usize>)> {
    let (channel, length) = (u16_at(message, 0)?, usize::from(u16_at(message, 2)?));
    let data = CHANNEL_HEADER..CHANNEL_HEADER + length;
    (CHANNELS.contains(&channel) && data.end <= message.len()).then_some((channel, data))
}

#[cfg(test)]
pub(crate) mod client;
#[cfg(test)]
mod tests;
