//! What carries a person's datagrams: a UDP socket, one TCP connection to the relay's port (RFC 6544, active
//! side), on which each datagram has its length before it (RFC 4571), or TURN over TLS.

use std::cell::RefCell;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::{AsRawFd, RawFd};

use crate::stream::Stream;
use crate::turn::tunnel::{Server, Tunnel};
use crate::udp::{self, BATCH, Inbox, Outbox};

/// Bytes of length before a datagram.
const HEADER: usize = 2;

/// A non-blocking way to the relay.
pub enum Carrier {
    Udp(UdpSocket),
    Tcp(RefCell<Stream>),
    Turn(Box<RefCell<Tunnel>>),
}

impl Carrier {
    /// UDP on its way to `relay`, so that the route there tells which of our addresses is the candidate.
    pub fn udp(relay: SocketAddr) -> io::Result<Self> {
        let any = if relay.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = udp::open(SocketAddr::new(any, 0))?;
        socket.connect(relay)?;
        Ok(Self::Udp(socket))
    }

    pub fn tcp(relay: SocketAddr) -> io::Result<Self> {
        Ok(Self::Tcp(RefCell::new(Stream::open(relay)?)))
    }

    pub fn turn(server: &Server, relay: SocketAddr) -> io::Result<Self> {
        Ok(Self::Turn(Box::new(RefCell::new(Tunnel::open(server, relay)?))))
    }

    /// Our candidate.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp(stream) => stream.borrow().socket.local_addr(),
            Self::Turn(tunnel) => Ok(tunnel.borrow().relayed()),
        }
    }

    /// Datagrams go to the relay's candidate from now on. TCP leads there already: it is the same port.
    pub fn connect(&self, candidate: SocketAddr) -> io::Result<()> {
        match self {
            Self::Udp(socket) => socket.connect(candidate),
            Self::Tcp(_) => Ok(()),
            Self::Turn(tunnel) => tunnel.borrow_mut().connect(candidate),
        }
    }

    /// Whether what did not fit into a batch waits here, and not in the kernel.
    pub fn is_stream(&self) -> bool {
        !matches!(self, Self::Udp(_))
    }

    /// Take what has arrived, a batch at most; 0 when there is nothing. A full batch may not have been all, and the
    /// poller does not tell of the rest.
    pub fn receive(&self, inbox: &mut Inbox) -> io::Result<usize> {
        match self {
            Self::Udp(socket) => inbox.receive(socket),
            Self::Tcp(stream) => receive(&mut stream.borrow_mut(), inbox),
            Self::Turn(tunnel) => tunnel.borrow_mut().receive(inbox),
        }
    }

    /// Send all. What does not fit is lost, as on any network.
    pub fn send(&self, outbox: &mut Outbox) {
        match self {
            Self::Udp(socket) => outbox.flush(socket),
            Self::Tcp(stream) => send(&mut stream.borrow_mut(), outbox),
            Self::Turn(tunnel) => tunnel.borrow_mut().send(outbox),
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
            Self::Turn(tunnel) => tunnel.borrow().socket().as_raw_fd(),
        }
    }
}

fn receive(stream: &mut Stream, inbox: &mut Inbox) -> io::Result<usize> {
    stream.fill()?;
    let (mut at, mut count) = (0, 0);
    while let (true, Some(&[high, low])) = (count < BATCH, stream.arrived.get(at..at + HEADER)) {
        let start = at + HEADER;
        let end = start + usize::from(u16::from_be_bytes([high, low]));
        let Some(datagram) = stream.arrived.get(start..end) else { break };
        inbox.put(count, datagram);
        count += 1;
        at = end;
    }
    stream.arrived.drain(..at);
    Ok(count)
}

fn send(stream: &mut Stream, outbox: &mut Outbox) {
    outbox.drain(|datagram| {
        if let Ok(length) = u16::try_from(datagram.len())
            && stream.has_room(datagram.len())
        {
            stream.waiting.extend_from_slice(&length.to_be_bytes());
            stream.waiting.extend_from_slice(datagram);
        }
    });
    stream.flush();
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn datagrams_pass_a_stream_whole_however_it_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let carrier = Carrier::tcp(listener.local_addr().unwrap()).unwrap();
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
