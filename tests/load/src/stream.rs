//! A TCP connection that datagrams are cut out of, without ever blocking the others.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};

/// Bytes that wait for a relay that does not read; what comes then is lost.
const MOST_WAITING: usize = 1 << 20;
/// Bytes read at once.
const PIECE: usize = 64 * 1024;

/// A connection, and what is unfinished on it.
pub struct Stream {
    pub socket: TcpStream,
    pub arrived: Vec<u8>,
    pub waiting: Vec<u8>,
}

impl Stream {
    pub fn open(relay: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect(relay)?;
        socket.set_nodelay(true)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, arrived: Vec::new(), waiting: Vec::new() })
    }

    /// Read once, if there is anything.
    pub fn fill(&mut self) -> io::Result<()> {
        let held = self.arrived.len();
        self.arrived.resize(held + PIECE, 0);
        let read = match self.socket.read(&mut self.arrived[held..]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            // The end of the connection is found out by silence, like any other loss.
            read => read,
        };
        self.arrived.truncate(held + *read.as_ref().unwrap_or(&0));
        read.map(drop)
    }

    /// Whether so many bytes more may wait.
    pub fn has_room(&self, length: usize) -> bool {
        self.waiting.len() + length <= MOST_WAITING
    }

    /// Write what waits, as far as it goes. The rest goes with what is sent next.
    pub fn flush(&mut self) {
        while !self.waiting.is_empty() {
            match self.socket.write(&self.waiting) {
                Ok(written) if written > 0 => drop(self.waiting.drain(..written)),
                _ => return,
            }
        }
    }
}
