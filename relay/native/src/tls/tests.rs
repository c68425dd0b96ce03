//! Handshakes with a client in memory, data, and what ends a connection.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::io::Write;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};

use super::*;

const CHAIN: &[u8] = b"-----BEGIN CERTIFICATE-----
MIIBMzCB2qADAgECAgEBMAoGCCqGSM49BAMCMBUxEzARBgNVBAMMCnJlbGF5LnRl
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBUxEzARBgNVBAMM
CnJlbGF5LnRlc3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQW6zSAOtPeiWIb
oLQDKLgKr5GZQ5HX+cGA8Xayn4MqsWQpibkqURu/yEql0+uN2/P4COHFcfX+E8RA
mnmQytr4oxkwFzAVBgNVHREEDjAMggpyZWxheS50ZXN0MAoGCCqGSM49BAMCA0gA
MEUCIQCQjXBnn+HcuhsjoUmVXsFROiwSXc2gluMsRkcCWhh9xAIgV7KtRUwTgot7
ZEY6pB+S/VCwGdqPmg5EYJsCTCZn0a0=
-----END CERTIFICATE-----
";
const KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQggKhljNnRi4mVND40
1G7TCxh3bG5IlcwgmqBUbetHRIqhRANCAAQW6zSAOtPeiWIboLQDKLgKr5GZQ5HX
+cGA8Xayn4MqsWQpibkqURu/yEql0+uN2/P4COHFcfX+E8RAmnmQytr4
-----END PRIVATE KEY-----
";
const ANOTHER_KEY: &[u8] = b"-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgfLSgaHkS1aRw1WoF
yS2hsBvvsnEpXeJuRPMf58tr74ehRANCAAQM92HqZJGyZSQ1Mm1Nl9+8QqofFoJs
o8yhUb1TOOsdjyDszP4McsdK+QlS9ARasAIZyUOzXw5SWMdvQJdk1mW7
-----END PRIVATE KEY-----
";

/// Both ends, in memory.
struct Pair {
    client: ClientConnection,
    server: Tls,
    /// What the server read.
    read: Vec<u8>,
}

impl Pair {
    fn new(version: &'static SupportedProtocolVersion, offers: &[&[u8]]) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CHAIN).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = offers.iter().map(|offered| offered.to_vec()).collect();
        let client = ClientConnection::new(config.into(), ServerName::try_from("relay.test").unwrap()).unwrap();
        let server =
            Config::new(CHAIN, KEY).unwrap().accept(offers.iter().any(|offered| PROTOCOLS.contains(offered))).unwrap();
        Self { client, server, read: Vec::new() }
    }

    fn open(version: &'static SupportedProtocolVersion) -> Self {
        let mut pair = Self::new(version, &[]);
        pair.talk(usize::MAX).unwrap();
        assert!(!pair.server.is_handshaking() && !pair.client.is_handshaking());
        pair
    }

    /// What the client has to say.
    fn said(&mut self) -> Vec<u8> {
        let mut said = Vec::new();
        while self.client.wants_write() {
            self.client.write_tls(&mut said).unwrap();
        }
        said
    }

    /// Give the client what the server has to say.
    fn answer(&mut self) -> Result<(), rustls::Error> {
        let mut answer = Vec::new();
        self.server.pending(&mut answer);
        self.hear(&answer)
    }

    fn hear(&mut self, mut answer: &[u8]) -> Result<(), rustls::Error> {
        while !answer.is_empty() {
            self.client.read_tls(&mut answer).unwrap();
            self.client.process_new_packets()?;
        }
        Ok(())
    }

    /// Until nobody has anything to say, in pieces of so many bytes.
    fn talk(&mut self, size: usize) -> Result<(), Failed> {
        loop {
            let said = self.said();
            if said.is_empty() {
                return Ok(());
            }
            for piece in said.chunks(size) {
                self.server.receive(piece, &mut self.read)?;
            }
            self.answer().unwrap();
        }
    }

    fn heard(&mut self, most: usize) -> Vec<u8> {
        let mut heard = vec![0; most];
        let length = self.client.reader().read(&mut heard).unwrap();
        heard.truncate(length);
        heard
    }
}

#[test]
fn data_goes_both_ways_however_the_bytes_are_cut() {
    for version in [&TLS12, &TLS13] {
        let mut pair = Pair::new(version, &[]);
        pair.talk(1).unwrap();
        let long: Vec<_> = (0..70_000_u32).map(|byte| byte as u8).collect();
        for piece in long.chunks(10_000) {
            pair.client.writer().write_all(piece).unwrap();
            pair.talk(7).unwrap();
        }
        assert_eq!(pair.read, long);
        let mut ciphertext = Vec::new();
        pair.server.send(&long, &mut ciphertext);
        let mut heard = Vec::new();
        for piece in ciphertext.chunks(4_000) {
            pair.hear(piece).unwrap();
            let _ = pair.client.reader().read_to_end(&mut heard);
        }
        assert_eq!(heard, long);
    }
}

#[test]
fn the_suites_are_those_of_the_page_and_the_choice_is_the_clients() {
    let pair = Pair::open(&TLS12);
    assert_eq!(pair.server.agreed(), Some(("TLSv1_2", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384")));
    assert_eq!(Pair::open(&TLS13).server.agreed(), Some(("TLSv1_3", "TLS13_AES_256_GCM_SHA384")));
}

#[test]
fn who_names_turn_or_http_hears_it_and_whatever_else_is_named_is_no_hindrance() {
    let [turn, http] = PROTOCOLS;
    for (offers, chosen) in [
        (&[turn][..], Some(turn)),
        (&[b"stun.nat-discovery", turn], Some(turn)),
        (&[http], Some(http)),
        (&[b"h3", b"c-webrtc"], None),
        (&[], None),
    ] {
        let mut pair = Pair::new(&TLS13, offers);
        pair.talk(usize::MAX).unwrap();
        assert_eq!(pair.client.alpn_protocol(), chosen);
    }
}

#[test]
fn a_key_update_is_answered_and_data_goes_on() {
    let mut pair = Pair::open(&TLS13);
    for _ in 0..100 {
        pair.client.refresh_traffic_keys().unwrap();
        pair.client.writer().write_all(b"on").unwrap();
        pair.talk(usize::MAX).unwrap();
        let mut ciphertext = Vec::new();
        pair.server.send(b"and on", &mut ciphertext);
        pair.hear(&ciphertext).unwrap();
        assert_eq!(pair.heard(100), b"and on");
    }
    assert_eq!(pair.read, b"on".repeat(100));
}

#[test]
fn a_damaged_record_ends_it_with_an_alert() {
    for version in [&TLS12, &TLS13] {
        let mut pair = Pair::open(version);
        pair.client.writer().write_all(b"data").unwrap();
        let mut said = pair.said();
        *said.last_mut().unwrap() ^= 1;
        let failed = pair.server.receive(&said, &mut pair.read).unwrap_err();
        assert_eq!(failed, Failed::Refused(rustls::Error::DecryptError));
        assert_eq!(pair.answer(), Err(rustls::Error::AlertReceived(AlertDescription::BadRecordMac)));
        assert!(pair.read.is_empty());
        assert!(pair.server.receive(&said, &mut pair.read).is_err(), "nothing of it is listened to any more");
    }
}

#[test]
fn data_before_the_handshake_is_over_ends_it() {
    for version in [&TLS12, &TLS13] {
        let mut pair = Pair::new(version, &[]);
        let said = pair.said();
        pair.server.receive(&said, &mut pair.read).unwrap();
        let data = [&[23, 3, 3, 0, 100][..], &[7; 100]].concat();
        assert!(matches!(pair.server.receive(&data, &mut pair.read), Err(Failed::Refused(_))));
        assert!(pair.read.is_empty());
        let mut nothing = Vec::new();
        pair.server.pending(&mut Vec::new());
        pair.server.send(b"too soon", &mut nothing);
        assert!(nothing.is_empty());
    }
}

#[test]
fn a_hello_without_an_end_is_given_up() {
    let mut pair = Pair::new(&TLS13, &[]);
    // One message of 65,000 bytes, in records of one each.
    let mut endless = [&[22, 3, 1, 0, 4, 1, 0, 0xfd, 0xe8][..], &[22, 3, 1, 0, 1, 0].repeat(65_000)].concat();
    assert_eq!(pair.server.receive(&endless, &mut pair.read), Err(Failed::TooMuch));
    // And in long ones.
    endless =
        [&[22, 3, 1, 0, 4, 1, 0, 0xfd, 0xe8][..], &[&[22, 3, 1, 0x3f, 0xff][..], &[0; 0x3fff]].concat().repeat(3)]
            .concat();
    pair = Pair::new(&TLS13, &[]);
    assert_eq!(pair.server.receive(&endless, &mut pair.read), Err(Failed::TooMuch));
}

#[test]
fn records_without_data_are_given_up_and_those_with_data_never() {
    let mut pair = Pair::open(&TLS12);
    for _ in 0..1_000 {
        pair.client.writer().write_all(&[7; 1_000]).unwrap();
        pair.talk(usize::MAX).unwrap();
    }
    assert_eq!(pair.read.len(), 1_000_000);
    let mut pair = Pair::open(&TLS13);
    let ends = (0..10_000).any(|_| {
        pair.client.refresh_traffic_keys().unwrap();
        pair.talk(usize::MAX).is_err()
    });
    assert!(ends, "key updates alone are no conversation");
}

#[test]
fn what_was_sent_before_the_end_is_received_and_our_end_is_said_too() {
    for version in [&TLS12, &TLS13] {
        let mut pair = Pair::open(version);
        pair.client.writer().write_all(b"last").unwrap();
        pair.client.send_close_notify();
        let said = pair.said();
        assert_eq!(pair.server.receive(&said, &mut pair.read), Err(Failed::Ended));
        assert_eq!(pair.read, b"last");
        pair.server.close();
        pair.answer().unwrap();
        let mut after = Vec::new();
        pair.server.send(b"more", &mut after);
        assert!(after.is_empty());
        assert_eq!(pair.client.reader().read(&mut [0; 8]).unwrap(), 0, "closed, and not cut off");
    }
}

#[test]
fn what_is_no_tls_is_refused() {
    let mut pair = Pair::new(&TLS13, &[]);
    assert!(matches!(pair.server.receive(b"GET / HTTP/1.1\r\n\r\n", &mut pair.read), Err(Failed::Refused(_))));
    for first in 0..=u8::MAX {
        let mut pair = Pair::new(&TLS13, &[]);
        let _ = pair.server.receive(&[first; 3_000], &mut pair.read);
        assert!(pair.read.is_empty() && pair.server.is_handshaking());
    }
}

#[test]
fn files_that_do_not_belong_together_are_refused_in_words() {
    let words = |chain: &[u8], key: &[u8]| Config::new(chain, key).err().expect("refused");
    assert_eq!(words(CHAIN, CHAIN), "there is no key in PEM, or it is encrypted");
    assert!(words(KEY, KEY).contains("certificate"), "{}", words(KEY, KEY));
    let damaged = String::from_utf8(CHAIN.to_vec()).unwrap().replace("MIIBM", "!!!!!");
    assert!(words(damaged.as_bytes(), KEY).starts_with("the certificate is not readable"));
    assert_eq!(words(CHAIN, ANOTHER_KEY), "the key is of another certificate");
}
