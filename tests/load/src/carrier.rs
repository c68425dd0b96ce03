//! What carries a person's datagrams: a UDP socket, or one TCP connection to the relay's port (RFC 6544, active
//! side), on which each datagram has its length before it (RFC 4571).

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use crate::options::Transport;
use crate::udp::{self, BATCH, Inbox, Outbox};

/// Bytes of length before a datagram.
const HEADER: usize = 2;
/// Bytes that wait for a relay that does not read; what comes then is lost.
const MOST_WAITING: usize = 1 << 20;
/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// A non-blocking way to the relay.
pub enum Carrier {
    Udp(UdpSocket),
    Tcp(RefCell<Stream>),
}

/// A connection, and what is unfinished on it.
pub struct Stream {
    socket: TcpStream,
    arrived: Vec<u8>,
    waiting: Vec<u8>,
}

impl Carrier {
    /// On its way to `relay`, so that the route there tells which of our addresses is the candidate.
    pub fn open(transport: Transport, relay: SocketAddr) -> io::Result<Self> {
        match transport {
            Transport::Udp => {
                let any = if relay.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
                let socket = udp::open(SocketAddr::new(any, 0))?;
                socket.connect(relay)?;
                Ok(Self::Udp(socket))
            }
            Transport::Tcp => {
                let socket = TcpStream::connect(relay)?;
                socket.set_nodelay(true)?;
                socket.set_nonblocking(true)?;
                Ok(Self::Tcp(RefCell::new(Stream { socket, arrived: Vec::new(), waiting: Vec::new() })))
            }
        }
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream) => stream.borrow().socket.local_addr(),
        }
    }

    /// Datagrams go to the relay's candidate from now on. TCP leads there already: it is the same port.
    pub fn connect(&self, candidate: SocketAddr) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.connect(candidate),
            Self::Tcp(_) => Ok(()),
        }
    }

    /// Take what has arrived, a batch at most; 0 when there is nothing. A full batch may not have been all, and the
    /// poller does not tell of the rest.
    pub fn receive(&self, inbox: &mut Inbox) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => inbox.receive(socket),
            Self::Tcp(stream) => stream.borrow_mut().receive(inbox),
        }
    }

    /// Send all. What does not fit is lost, as on any network.
    pub fn send(&self, outbox: &mut Outbox) {
        match self {
            Self::Udp(socket) => outbox.flush(socket),
            Self::Tcp(stream) => stream.borrow_mut().send(outbox),
        }
    }
}

impl From<UdpSocket> for Carrier {
    fn from(socket: UdpSocket) -> Self {
        Self::Udp(socket)
    }
}

impl AsRawFd for Carrier {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Udp(socket) => socket.as_raw_fd(),
            Self::Tcp(stream) => stream.borrow().socket.as_raw_fd(),
        }
    }
}

impl Stream {
    fn receive(&mut self, inbox: &mut Inbox) -> io::Result<usize> {
        let held = self.arrived.len();
        self.arrived.resize(held + PIECE, 0);
        let read = match self.socket.read(&mut self.arrived[held..]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            // The end of the connection is found out by silence, like any other loss.
            read => read,
        };
        self.arrived.truncate(held + *read.as_ref().unwrap_or(&0));
        read?;
        let (mut at, mut count) = (0, 0);
        while let (true, Some(&[high, low])) = (count < BATCH, self.arrived.get(at..at + HEADER)) {
            let start = at + HEADER;
            let end = start + usize::from(u16::from_be_bytes([high, low]));
            let Some(datagram) = self.arrived.get(start..end) else { break };
            inbox.put(count, datagram);
            count += 1;
            at = end;
        }
        self.arrived.drain(..at);
        Ok(count)
    }

    fn send(&mut self, outbox: &mut Outbox) {
        outbox.drain(|datagram| {
            if let Ok(length) = u16::try_from(datagram.len())
                && self.waiting.len() + datagram.len() <= MOST_WAITING
            {
                self.waiting.extend_from_slice(&length.to_be_bytes());
                self.waiting.extend_from_slice(datagram);
            }
        });
        while !self.waiting.is_empty() {
            match self.socket.write(&self.waiting) {
                Ok(written) if written > 0 => drop(self.waiting.drain(..written)),
                // The rest goes with what is sent next.
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn datagrams_pass_a_stream_whole_however_it_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let carrier = Carrier::open(Transport::Tcp, listener.local_addr().unwrap()).unwrap();
        let (mut relay, _) = listener.accept().unwrap();
        let mut outbox = Outbox::default();
        for text in [&b"one"[..], b"three"] {
            outbox.push(|bytes| bytes.extend_from_slice(text));
        }
        carrier.send(&mut outbox);
        let mut stream = [0; 12];
        relay.read_exact(&mut stream).unwrap();
        assert_eq!(&stream, b"\0\x03one\0\x05three");
        let (mut inbox, mut arrived) = (Inbox::default(), Vec::new());
        for piece in stream.chunks(5) {
            relay.write_all(piece).unwrap();
            while arrived.len() < 2 {
                let count = carrier.receive(&mut inbox).unwrap();
                arrived.extend((0..count).map(|position| inbox.datagram(position).to_vec()));
                if count == 0 {
                    break;
                }
            }
        }
        while arrived.len() < 2 {
            let count = carrier.receive(&mut inbox).unwrap();
            arrived.extend((0..count).map(|position| inbox.datagram(position).to_vec()));
        }
        assert_eq!(arrived, [b"one".to_vec(), b"three".to_vec()]);
    }
}
