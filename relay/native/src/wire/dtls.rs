//! Which datagrams look like DTLS 1.2 as browsers speak it (RFC 6347): the same judgement as
//! `relay/transport/records.py`, made before nonsense in somebody's name uses up what they may send.

const RECORD_HEADER: usize = 13;
const FRAGMENT_HEADER: usize = 12;
const LARGEST_RECORD: usize = (1 << 14) + 256;
/// Bytes of a handshake message.
const LARGEST_MESSAGE: usize = 16 * 1024;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// Whether every record in it is well-formed, and no alert is in the clear.
pub fn is_sensible(datagram: &[u8]) -> bool {
    let mut rest = datagram;
    while !rest.is_empty() {
        let Some((record, next)) = take(rest, RECORD_HEADER, |header| number(&header[11..])) else {
            return false;
        };
        let (header, content) = record.split_at(RECORD_HEADER);
        let is_known = matches!(header[1..3], [0xfe, 0xff | 0xfd]);
        if !is_known || content.is_empty() || content.len() > LARGEST_RECORD {
            return false;
        }
        let is_encrypted = header[3..5] != [0, 0];
        if !is_sensible_content(header[0], content, is_encrypted) {
            return false;
        }
        rest = next;
    }
    !datagram.is_empty()
}

fn is_sensible_content(kind: u8, content: &[u8], is_encrypted: bool) -> bool {
    match kind {
        ALERT | APPLICATION_DATA => is_encrypted,
        HANDSHAKE => is_encrypted || are_sensible_fragments(content),
        CHANGE_CIPHER_SPEC => !is_encrypted && content == [1],
        _ => false,
    }
}

fn are_sensible_fragments(content: &[u8]) -> bool {
    let mut rest = content;
    while !rest.is_empty() {
        let Some((fragment, next)) = take(rest, FRAGMENT_HEADER, |header| number(&header[9..])) else {
            return false;
        };
        // RFC 6347 section 4.3.2, with NewSessionTicket and CertificateStatus.
        let is_known = matches!(fragment[0], 0..=4 | 11..=16 | 20 | 22);
        let (total, offset) = (number(&fragment[1..4]), number(&fragment[6..9]));
        if !is_known || total > LARGEST_MESSAGE || offset + fragment.len() - FRAGMENT_HEADER > total {
            return false;
        }
        rest = next;
    }
    true
}

/// The first unit, with its header, and what follows it; None if it is cut off.
fn take(bytes: &[u8], header: usize, length: impl FnOnce(&[u8]) -> usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(header + length(bytes.get(..header)?))
}

fn number(bytes: &[u8]) -> usize {
    bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, content: &[u8]) -> Vec<u8> {
        let length = (content.len() as u16).to_be_bytes();
        [&[kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0], &length[..], content].concat()
    }

    fn fragment(kind: u8, total: u32, offset: u32, content: &[u8]) -> Vec<u8> {
        let three = |number: u32| number.to_be_bytes()[1..].to_vec();
        [vec![kind], three(total), vec![0, 0], three(offset), three(content.len() as u32), content.to_vec()].concat()
    }

    #[test]
    fn what_browsers_send_goes_on() {
        let hello = record(HANDSHAKE, 0, &fragment(1, 1_700, 0, &[0; 1_000]));
        let key = record(HANDSHAKE, 0, &fragment(16, 66, 0, &[0; 66]));
        // A first hello is of the oldest version that its sender knows (RFC 6347 section 4.2.1).
        let mut oldest = hello.clone();
        oldest[1..3].copy_from_slice(&[0xfe, 0xff]);
        let flight = [key, record(CHANGE_CIPHER_SPEC, 0, &[1]), record(HANDSHAKE, 1, &[0; 40])].concat();
        for datagram in [hello, oldest, flight, record(ALERT, 1, &[0; 26])] {
            assert!(is_sensible(&datagram), "{datagram:?}");
        }
    }

    #[test]
    fn what_would_end_a_handshake_does_not() {
        let hello = record(HANDSHAKE, 0, &fragment(1, 10, 0, &[0; 10]));
        let cut = hello[..hello.len() - 1].to_vec();
        let followed = [hello.clone(), vec![HANDSHAKE]].concat();
        let mut tls = hello;
        tls[1..3].copy_from_slice(&[3, 3]);
        let trailing = [fragment(1, 10, 0, &[0; 10]), vec![0]].concat();
        for datagram in [
            vec![],
            cut,
            followed,
            tls,
            record(ALERT, 0, &[2, 40]),
            record(HANDSHAKE, 0, &[]),
            record(CHANGE_CIPHER_SPEC, 0, &[2]),
            record(CHANGE_CIPHER_SPEC, 1, &[0; 40]),
            record(APPLICATION_DATA, 0, b"hello"),
            record(25, 0, b"hello"),
            record(HANDSHAKE, 0, &fragment(99, 10, 0, &[0; 10])),
            record(HANDSHAKE, 0, &fragment(1, 10, 5, &[0; 10])),
            record(HANDSHAKE, 0, &fragment(1, 1 << 20, 0, &[0; 10])),
            record(HANDSHAKE, 0, &trailing),
        ] {
            assert!(!is_sensible(&datagram), "{datagram:?}");
        }
    }
}
