//! What clients send, for tests.

use super::*;

/// An attribute of a request.
pub(crate) enum Attribute<'a> {
    Transport(u8),
    Family(u8),
    Lifetime(u32),
    Peer(SocketAddr),
    Channel(u16),
    Data(&'a [u8]),
    Other(u16),
}

/// Who signs a request.
pub(crate) struct Signer<'a> {
    pub(crate) username: &'a [u8],
    pub(crate) nonce: &'a [u8],
    /// Of MESSAGE-INTEGRITY.
    pub(crate) key: &'a [u8],
}

/// A request with these attributes, signed if somebody does.
pub(crate) fn request(
    method: Method,
    transaction: &[u8; 12],
    attributes: &[Attribute<'_>],
    signer: Option<Signer<'_>>,
) -> Vec<u8> {
    let mut message = Vec::new();
    let start = stun::begin(method as u16, transaction, &mut message);
    for attribute in attributes {
        match attribute {
            Attribute::Transport(number) => {
                append_attribute(&mut message, REQUESTED_TRANSPORT, &[*number, 0, 0, 0]);
            }
            Attribute::Family(number) => {
                append_attribute(&mut message, REQUESTED_ADDRESS_FAMILY, &[*number, 0, 0, 0]);
            }
            Attribute::Lifetime(seconds) => append_attribute(&mut message, LIFETIME, &seconds.to_be_bytes()),
            Attribute::Peer(peer) => append_address(&mut message, XOR_PEER_ADDRESS, *peer, transaction),
            Attribute::Channel(number) => {
                append_attribute(&mut message, CHANNEL_NUMBER, &(u32::from(*number) << 16).to_be_bytes());
            }
            Attribute::Data(data) => append_padded(&mut message, DATA, data),
            Attribute::Other(kind) => append_attribute(&mut message, *kind, &[0; 4]),
        }
    }
    match signer {
        None => stun::finish(&mut message, start),
        Some(signer) => {
            append_padded(&mut message, USERNAME, signer.username);
            append_padded(&mut message, REALM, b"relay");
            append_padded(&mut message, NONCE, signer.nonce);
            stun::sign(&mut message, start, &stun::integrity_key(signer.key));
        }
    }
    message
}

/// What an answer says.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) kind: u16,
    /// 0 without an error.
    pub(crate) code: u16,
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) relayed: Option<SocketAddr>,
}

/// Read an answer.
pub(crate) fn read(answer: &[u8]) -> Reply {
    let mut reply = Reply { kind: u16_at(answer, 0).unwrap_or_default(), ..Reply::default() };
    let mut at = HEADER;
    let transaction = answer.get(8..).and_then(|rest| rest.first_chunk()).copied().unwrap_or_default();
    while let (Some(kind), Some(size)) = (u16_at(answer, at), u16_at(answer, at + 2)) {
        let value = &answer[at + 4..][..usize::from(size)];
        match kind {
            ERROR_CODE => reply.code = u16::from(value[2]) * 100 + u16::from(value[3]),
            NONCE => reply.nonce = Some(value.to_vec()),
            XOR_RELAYED_ADDRESS => reply.relayed = stun::address(value, &transaction),
            _ => {}
        }
        at += 4 + usize::from(size).next_multiple_of(4);
    }
    reply
}
