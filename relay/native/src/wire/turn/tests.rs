//! Messages both ways, and what is no message.
#![allow(clippy::unwrap_used)]
use proptest::prelude::*;

use super::client::{Attribute, Signer, request};
use super::*;
use crate::wire::stun::integrity_key;

const ID: [u8; 12] = *b"transaction!";

/// An Allocate as a browser sends it, signed with "key" if it is to be.
fn allocate(signed: bool) -> Vec<u8> {
    let signer = signed.then_some(Signer { username: b"ann-1", nonce: b"0123456789", key: b"key" });
    request(Method::Allocate, &ID, &[Attribute::Transport(17)], signer)
}

#[test]
fn a_request_is_read_and_its_signature_told_from_another() {
    let message = allocate(true);
    let request = Request::parse(&message).unwrap();
    assert_eq!((request.method, request.transaction, request.transport), (Method::Allocate, ID, Some(17)));
    assert_eq!((request.username, request.realm), (Some(&b"ann-1"[..]), Some(&b"relay"[..])));
    assert_eq!(request.nonce, Some(&b"0123456789"[..]));
    assert!(request.is_authentic(&integrity_key(b"key")));
    assert!(!request.is_authentic(&integrity_key(b"other")));
    assert!(!request.has_unknown());
}

#[test]
fn a_request_that_was_changed_or_cut_anywhere_is_refused() {
    let (message, key) = (allocate(true), integrity_key(b"key"));
    // All but the type and length of FINGERPRINT, which is optional.
    let end = message.len() - 8;
    for at in (0..end).chain(end + 4..message.len()) {
        let mut changed = message.clone();
        changed[at] ^= 1;
        assert!(Request::parse(&changed).is_none_or(|request| !request.is_authentic(&key)), "byte {at}");
    }
    for length in 0..message.len() {
        assert!(Request::parse(&message[..length]).is_none());
    }
}

#[test]
fn a_refusal_is_less_than_three_times_what_asked() {
    let message = allocate(false);
    let request = Request::parse(&message).unwrap();
    assert!(!request.is_signed());
    let mut response = Vec::new();
    request.refuse(Refusal::Unauthenticated, Some((b"relay", &[b'n'; 20])), None, &mut response);
    assert_eq!(response[..2], [0x01, 0x13]);
    assert!(response.windows(8).any(|bytes| bytes == [0, 9, 0, 4, 0, 0, 4, 1]), "401");
    assert!(response.len() < 3 * message.len(), "{} for {}", response.len(), message.len());
    assert_eq!(usize::from(u16_at(&response, 2).unwrap()) + HEADER, response.len());
}

#[test]
fn a_grant_is_signed_and_names_the_addresses() {
    let message = allocate(true);
    let mut response = b"before".to_vec();
    let (relayed, mapped) = ("198.51.100.1:1024".parse().unwrap(), "192.0.2.9:4000".parse().unwrap());
    Request::parse(&message).unwrap().grant(&integrity_key(b"key"), &mut response, |answer| {
        answer.addresses(relayed, mapped).lifetime(600);
    });
    let response = &response[6..];
    assert_eq!(response[..2], [0x01, 0x03]);
    let (first, second) = (HEADER + 4..HEADER + 12, HEADER + 16..HEADER + 24);
    assert_eq!(stun::address(&response[first], &ID), Some(relayed));
    assert_eq!(stun::address(&response[second], &ID), Some(mapped));
    assert!(response.windows(8).any(|bytes| bytes == [0, 0x0d, 0, 4, 0, 0, 2, 0x58]));
    assert!(stun::is_signed(response, response.len() - 8 - 24, &integrity_key(b"key")));
}

#[test]
fn what_must_be_understood_and_is_not_is_listed() {
    const EVEN_PORT: u16 = 0x0018;
    const SOFTWARE: u16 = 0x8022;
    let attributes = [Attribute::Other(EVEN_PORT), Attribute::Other(SOFTWARE)];
    let message = request(Method::Allocate, &ID, &attributes, None);
    let request = Request::parse(&message).unwrap();
    assert!(request.has_unknown());
    let mut response = Vec::new();
    request.refuse(Refusal::UnknownAttribute, None, None, &mut response);
    assert_eq!(response[HEADER + 8..], [0, 0x0a, 0, 2, 0, 0x18, 0, 0]);
}

#[test]
fn peers_of_both_families_are_read_and_more_than_some_are_too_many() {
    for (address, count) in [("192.0.2.1:5", 1), ("[2001:db8::1]:65535", 8), ("192.0.2.1:5", 9)] {
        let attributes: Vec<_> = (0..count).map(|_| Attribute::Peer(address.parse().unwrap())).collect();
        let message = request(Method::CreatePermission, &ID, &attributes, None);
        let peers = Request::parse(&message).map(|request| request.peers);
        assert_eq!(peers, (count <= MOST_PEERS).then(|| vec![address.parse().unwrap(); count]));
    }
}

#[test]
fn channel_data_go_both_ways_with_padding_on_a_stream_alone() {
    for (is_stream, length) in [(true, 12), (false, 9)] {
        let mut message = Vec::new();
        write_channel(0x4fff, b"media", is_stream, &mut message);
        assert_eq!(message.len(), length);
        let (channel, data) = read_channel(&message).unwrap();
        assert_eq!((channel, &message[data]), (0x4fff, &b"media"[..]));
    }
    assert_eq!(read_channel(&[0x50, 0, 0, 0]), None);
    assert_eq!(read_channel(&[0x40, 0, 0, 2, 1]), None);
    assert_eq!(read_channel(&[0x40, 0, 0]), None);
}

#[test]
fn a_data_indication_names_who_sent() {
    let mut message = Vec::new();
    write_data(&ID, "192.0.2.7:3478".parse().unwrap(), b"check", &mut message);
    assert_eq!((&message[..2], message.len()), (&[0, 0x17][..], HEADER + 12 + 12));
    assert_eq!(stun::address(&message[HEADER + 4..HEADER + 12], &ID), Some("192.0.2.7:3478".parse().unwrap()));
    assert_eq!(message[HEADER + 12..], *b"\x00\x13\x00\x05check\0\0\0");
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(message in proptest::collection::vec(any::<u8>(), 0..200), kind in 0_u16..24) {
        let mut message = message;
        let length = message.len() as u16;
        // Mostly well-formed headers, or nothing behind them would ever be read.
        for (place, value) in [(0, kind), (2, length.saturating_sub(20)), (4, 0x2112), (6, 0xa442)] {
            if let Some(bytes) = message.get_mut(place..place + 2) {
                bytes.copy_from_slice(&value.to_be_bytes());
            }
        }
        if let Some(request) = Request::parse(&message) {
            prop_assert!(request.data.is_none_or(|data| data.end <= message.len()));
        }
        if let Some((_, data)) = read_channel(&message) {
            prop_assert!(data.end <= message.len());
        }
    }
}
