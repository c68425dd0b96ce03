//! TLS, the server's side (RFC 8446, RFC 5246), of connections that end in the core. Bytes in, bytes out.
//!
//! Owns the state of one connection and nothing of its socket. What a stranger may make it keep is bounded: whoever
//! sends [`MOST_UNFRUITFUL`] bytes without a byte of data in them is not listened to any longer, whether they
//! are an endless handshake, a message that never ends, or empty records.

use std::fmt;
use std::io::Read;
use std::sync::Arc;

use rustls::crypto::aws_lc_rs::{self, cipher_suite as suites};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, ServerConnection, SupportedCipherSuite};

/// Bytes of records without data, after which a connection is given up. A ClientHello has 2,000, and six times as many
/// if each byte is in a record of its own; a record has up to 16,640 until its data can be read.
pub const MOST_UNFRUITFUL: usize = 32 * 1024;

/// Bytes of data in a record (RFC 8446 section 5.1).
const LARGEST_RECORD: usize = 16 * 1024;

/// Those of `relay/transport/suites.py`, and those of TLS 1.3. Which of them is the client's choice: it knows whether
/// its processor has AES.
const SUITES: [SupportedCipherSuite; 9] = [
    suites::TLS13_AES_128_GCM_SHA256,
    suites::TLS13_AES_256_GCM_SHA384,
    suites::TLS13_CHACHA20_POLY1305_SHA256,
    suites::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    suites::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    suites::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    suites::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    suites::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    suites::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
];

/// What clients may name beforehand (RFC 7301) and hear back: TURN (RFC 7443) and HTTP.
const PROTOCOLS: [&[u8]; 2] = [b"stun.turn", b"http/1.1"];

/// A certificate with its key, and how connections begin.
pub struct Config {
    unnamed: Arc<ServerConfig>,
    /// The same, for clients that name one of [`PROTOCOLS`]. Others would be refused by it.
    named: Arc<ServerConfig>,
}

impl Config {
    /// Of a certificate chain and its key, in PEM. The error is a sentence's second half.
    pub fn new(chain: &[u8], key: &[u8]) -> Result<Self, String> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|cause| format!("the certificate is not readable ({cause})"))?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|cause| match cause {
            pem::Error::NoItemsFound => "there is no key in PEM, or it is encrypted".to_owned(),
            other => format!("the key is not readable ({other})"),
        })?;
        let provider =
            rustls::crypto::CryptoProvider { cipher_suites: SUITES.to_vec(), ..aws_lc_rs::default_provider() };
        let mut config = ServerConfig::builder_with_provider(Arc::new(provider))
            .with_protocol_versions(&[&TLS13, &TLS12])
            .map_err(in_words)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(in_words)?;
        // Nothing is kept of who was here: the ticket has it all, and its keys change every six hours.
        config.ticketer = aws_lc_rs::Ticketer::new().map_err(in_words)?;
        config.send_tls13_tickets = 1;
        let mut named = config.clone();
        named.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Self { unnamed: Arc::new(config), named: Arc::new(named) })
    }

    /// A connection that begins. `is_named`: its client names one of [`PROTOCOLS`]. Whatever else it names is passed
    /// over, as RFC 7301 allows, and the handshake succeeds.
    pub fn accept(&self, is_named: bool) -> Result<Tls, String> {
        let config = if is_named { &self.named } else { &self.unnamed };
        Ok(Tls {
            connection: ServerConnection::new(Arc::clone(config)).map_err(in_words)?,
            unfruitful: 0,
            has_ended: false,
            is_mute: false,
        })
    }
}

fn in_words(cause: rustls::Error) -> String {
    match cause {
        rustls::Error::InconsistentKeys(_) => "the key is of another certificate".to_owned(),
        other => other.to_string(),
    }
}

/// Why a connection takes no more. What [`Tls::pending`] has, such as an alert, is still to be sent.
#[derive(Debug, PartialEq)]
pub enum Failed {
    /// The other side said that it is done (close_notify). What it sent before was received.
    Ended,
    /// Too many bytes without data.
    TooMuch,
    /// It is no TLS that we speak, or has been tampered with.
    Refused(rustls::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => to.write_str("it was closed"),
            Self::TooMuch => to.write_str("too many bytes without data"),
            Self::Refused(cause) => cause.fmt(to),
        }
    }
}

impl std::error::Error for Failed {}

/// One connection.
pub struct Tls {
    connection: ServerConnection,
    /// Bytes received since the last of data.
    unfruitful: usize,
    has_ended: bool,
    /// Whether it sends no more data.
    is_mute: bool,
}

impl Tls {
    /// Take ciphertext, append plaintext. After an error the connection is to be closed.
    pub fn receive(&mut self, ciphertext: &[u8], plain: &mut Vec<u8>) -> Result<(), Failed> {
        let taken = self.take(ciphertext, plain);
        match taken {
            Err(Failed::Ended) => self.has_ended = true,
            Err(_) => self.is_mute = true,
            Ok(()) => {}
        }
        taken
    }

    fn take(&mut self, mut ciphertext: &[u8], plain: &mut Vec<u8>) -> Result<(), Failed> {
        while !ciphertext.is_empty() {
            if self.unfruitful > MOST_UNFRUITFUL {
                return Err(Failed::TooMuch);
            }
            // It takes some 4 KiB at a time.
            let before = ciphertext.len();
            if self.connection.read_tls(&mut ciphertext).map_err(|_| Failed::TooMuch)? == 0 {
                return Err(Failed::Ended);
            }
            let state = self.connection.process_new_packets().map_err(Failed::Refused)?;
            let readable = state.plaintext_bytes_to_read();
            if readable > 0 {
                let begin = plain.len();
                plain.resize(begin + readable, 0);
                // It has as many as it says.
                let _ = self.connection.reader().read_exact(&mut plain[begin..]);
                self.unfruitful = 0;
            } else {
                self.unfruitful += before - ciphertext.len();
            }
            if state.peer_has_closed() {
                return Err(Failed::Ended);
            }
        }
        Ok(())
    }

    /// Append the ciphertext of so many bytes. Before the handshake is over there is none, nor after a failure or
    /// `close`.
    pub fn send(&mut self, plain: &[u8], ciphertext: &mut Vec<u8>) {
        if self.is_mute || self.is_handshaking() {
            return;
        }
        for piece in plain.chunks(LARGEST_RECORD) {
            // A vector takes everything, and one record has room.
            let _ = std::io::Write::write_all(&mut self.connection.writer(), piece);
            self.pending(ciphertext);
        }
    }

    /// Append what TLS itself has to say: handshake, key updates, alerts.
    pub fn pending(&mut self, ciphertext: &mut Vec<u8>) {
        while self.connection.wants_write() {
            let _ = self.connection.write_tls(ciphertext);
        }
    }

    /// Say that nothing more will be sent; `pending` has it.
    pub fn close(&mut self) {
        self.is_mute = true;
        self.connection.send_close_notify();
    }

    /// Whether there is no way yet to send, or to receive.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the other side said that it is done.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Its version and suite, by the names of the registry at IANA, once they are agreed.
    pub fn agreed(&self) -> Option<(&'static str, &'static str)> {
        let version = self.connection.protocol_version()?.as_str()?;
        let suite = self.connection.negotiated_cipher_suite()?.suite().as_str()?;
        Some((version, suite))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
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
            let server = Config::new(CHAIN, KEY)
                .unwrap()
                .accept(offers.iter().any(|offered| PROTOCOLS.contains(offered)))
                .unwrap();
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
}
