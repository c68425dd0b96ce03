//! TURN over TLS, for a person whose network lets nothing else through: one allocation, and one channel to the
//! relay's candidate, in which everything goes. As with a browser, each datagram has a TLS record of its own.
//!
//! Opening it and binding the channel hold everybody up, for a few milliseconds on loopback. Nothing is refreshed: the
//! channel's permission ends after five minutes (RFC 8656 section 9).

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use rustls::ClientConnection;

use super::message::{
    self, ALLOCATE, Account, CHANNEL_BIND, CHANNEL_NUMBER, ERROR_CODE, NONCE, REALM, REQUESTED_TRANSPORT,
    XOR_PEER_ADDRESS, XOR_RELAYED_ADDRESS,
};
use super::{CHANNEL, PATIENCE, UDP, binding};
use crate::stream::Stream;
use crate::tls;
use crate::udp::{BATCH, Inbox, Outbox};

/// Channel number and length before a datagram.
const HEADER: usize = 4;
/// Of `turns:` without a port (RFC 7065).
const PORT: u16 = 5349;

/// A TURN server, as the relay tells of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Server {
    pub host: String,
    pub port: u16,
    pub username: String,
    pub credential: String,
}

impl Server {
    /// None if it is not one that speaks TLS.
    pub fn new(url: &str, username: &str, credential: &str) -> Option<Self> {
        let place = url.strip_prefix("turns:")?.split('?').next()?;
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (place, PORT),
        };
        let host = host.trim_matches(['[', ']']).to_owned();
        Some(Self { host, port, username: username.to_owned(), credential: credential.to_owned() })
    }
}

/// A way to the relay through a TURN server.
pub struct Tunnel {
    stream: Stream,
    tls: ClientConnection,
    /// What came out of TLS and is unfinished.
    arrived: Vec<u8>,
    account: Account,
    relayed: SocketAddr,
    peer: Option<SocketAddr>,
}

impl Tunnel {
    /// Get an allocation. The server's name is for TLS alone: it is at the relay's address.
    pub fn open(server: &Server, relay: SocketAddr) -> io::Result<Self> {
        let stream = Stream::open(SocketAddr::new(relay.ip(), server.port))?;
        stream.socket.set_read_timeout(Some(PATIENCE))?;
        let (username, password) = (&server.username, &server.credential);
        let mut tunnel = Self {
            stream,
            tls: tls::begin(&server.host)?,
            arrived: Vec::new(),
            account: Account::new(username, password, b"", b""),
            relayed: relay,
            peer: None,
        };
        let attributes: [(u16, &[u8]); 1] = [(REQUESTED_TRANSPORT, &UDP)];
        let challenge = tunnel.ask(&message::request(ALLOCATE, &attributes, None))?;
        let (Some(realm), Some(nonce)) = (message::find(&challenge, REALM), message::find(&challenge, NONCE)) else {
            return Err(io::Error::other("TURN: no realm and nonce"));
        };
        tunnel.account = Account::new(username, password, realm, nonce);
        let answer = tunnel.request(ALLOCATE, &attributes)?;
        let relayed = message::find_address(&answer, XOR_RELAYED_ADDRESS);
        tunnel.relayed = relayed.ok_or_else(|| io::Error::other("TURN: no relayed address"))?.into();
        Ok(tunnel)
    }

    /// From where the relay hears us.
    pub fn relayed(&self) -> SocketAddr {
        self.relayed
    }

    pub fn socket(&self) -> &std::net::TcpStream {
        &self.stream.socket
    }

    /// Bind the channel to the relay's candidate, if it is not.
    pub fn connect(&mut self, candidate: SocketAddr) -> io::Result<()> {
        if self.peer != Some(candidate) {
            let (channel, peer) = binding(candidate)?;
            self.request(CHANNEL_BIND, &[(CHANNEL_NUMBER, &channel), (XOR_PEER_ADDRESS, &peer)])?;
            self.peer = Some(candidate);
        }
        Ok(())
    }

    pub fn receive(&mut self, inbox: &mut Inbox) -> io::Result<usize> {
        self.stream.fill()?;
        self.decrypt()?;
        let (mut at, mut count) = (0, 0);
        while let (true, Some(length)) = (count < BATCH, self.length(at)) {
            let Some(message) = self.arrived.get(at..at + length) else { break };
            if message.starts_with(&CHANNEL.to_be_bytes()) {
                let size = usize::from(u16::from_be_bytes([message[2], message[3]]));
                inbox.put(count, &message[HEADER..HEADER + size]);
                count += 1;
            }
            at += length;
        }
        self.arrived.drain(..at);
        Ok(count)
    }

    pub fn send(&mut self, outbox: &mut Outbox) {
        let (stream, tls) = (&mut self.stream, &mut self.tls);
        let mut message = Vec::new();
        outbox.drain(|datagram| {
            if let Ok(length) = u16::try_from(datagram.len())
                && stream.has_room(datagram.len())
            {
                message.clear();
                message.extend_from_slice(&CHANNEL.to_be_bytes());
                message.extend_from_slice(&length.to_be_bytes());
                message.extend_from_slice(datagram);
                message.resize(message.len().next_multiple_of(4), 0);
                // Memory takes it all.
                let _ = tls.writer().write_all(&message);
                while tls.wants_write() && tls.write_tls(&mut stream.waiting).is_ok() {}
            }
        });
        stream.flush();
    }

    /// Of the message at `at`, with its padding; None as long as too little has come.
    fn length(&self, at: usize) -> Option<usize> {
        let beginning = self.arrived.get(at..)?;
        match beginning.first()? {
            0..=3 => message::length(beginning),
            _ => {
                let length = beginning.get(2..HEADER)?;
                Some(HEADER + usize::from(u16::from_be_bytes([length[0], length[1]])).next_multiple_of(4))
            }
        }
    }

    fn decrypt(&mut self) -> io::Result<()> {
        let mut ciphertext = &self.stream.arrived[..];
        while !ciphertext.is_empty() {
            self.tls.read_tls(&mut ciphertext)?;
            let state = self.tls.process_new_packets().map_err(io::Error::other)?;
            let held = self.arrived.len();
            self.arrived.resize(held + state.plaintext_bytes_to_read(), 0);
            self.tls.reader().read_exact(&mut self.arrived[held..])?;
        }
        self.stream.arrived.clear();
        Ok(())
    }

    /// Ask with credentials.
    fn request(&mut self, method: u16, attributes: &[(u16, &[u8])]) -> io::Result<Vec<u8>> {
        let answer = self.ask(&message::request(method, attributes, Some(&self.account)))?;
        if message::grants(&answer, method) {
            return Ok(answer);
        }
        let code = message::find(&answer, ERROR_CODE).and_then(|value| value.get(2..4)).unwrap_or(&[0, 0]);
        Err(io::Error::other(format!("TURN: refused with {}{:02}", code[0], code[1])))
    }

    /// Send a request and wait for what comes back. Data of our channel may come before it.
    fn ask(&mut self, request: &[u8]) -> io::Result<Vec<u8>> {
        self.stream.socket.set_nonblocking(false)?;
        rustls::Stream::new(&mut self.tls, &mut self.stream.socket).write_all(request)?;
        let answer = loop {
            if let Some(length) = self.length(0).filter(|length| *length <= self.arrived.len()) {
                let answer: Vec<u8> = self.arrived.drain(..length).collect();
                if matches!(answer[0], 0..=3) {
                    break answer;
                }
                continue;
            }
            let mut piece = [0; 2_048];
            match rustls::Stream::new(&mut self.tls, &mut self.stream.socket).read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => self.arrived.extend_from_slice(&piece[..read]),
            }
        };
        self.stream.socket.set_nonblocking(true)?;
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_told_from_its_url() {
        let place = |url| Server::new(url, "name", "word").map(|server| (server.host, server.port));
        assert_eq!(place("turns:turn.test:443?transport=tcp"), Some(("turn.test".to_owned(), 443)));
        assert_eq!(place("turns:[::1]:8443"), Some(("::1".to_owned(), 8_443)));
        assert_eq!(place("turns:[::1]"), Some(("::1".to_owned(), PORT)));
        assert_eq!(place("turns:turn.test"), Some(("turn.test".to_owned(), PORT)));
        assert_eq!(place("turn:turn.test:3478"), None);
    }
}
