//! TLS, the server's side (RFC 8446, RFC 5246), of connections that end in the core. Bytes in, bytes out.
//!
//! Owns the state of one connection and nothing of its socket. What a stranger may make it keep is bounded: after
//! [`MOST_UNFRUITFUL`] bytes without a byte of data in them nothing more is taken, be they an endless handshake, a
//! message that never ends, or empty records.

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
mod tests;
