//! How the datagrams of one flow travel.

use std::net::{IpAddr, SocketAddr};

/// What carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum Transport {
    Udp,
    Tcp,
}

/// The browser's address as we see it, and ours that it asked: replies leave from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where the browser, or its NAT or TURN server, sends from.
    pub remote: SocketAddr,
    /// Our address that it sends to.
    pub local: IpAddr,
    /// Of TCP there is one connection per path.
    pub transport: Transport,
}

impl Path {
    /// Datagrams as such.
    pub fn udp(remote: SocketAddr, local: IpAddr) -> Self {
        Self { remote, local, transport: Transport::Udp }
    }

    /// Datagrams framed in a stream (RFC 4571).
    pub fn tcp(remote: SocketAddr, local: IpAddr) -> Self {
        Self { remote, local, transport: Transport::Tcp }
    }
}
