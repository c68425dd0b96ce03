//! How the datagrams of one flow travel.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// What carries them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum Transport {
    Udp,
    Tcp,
    /// Inside TURN (RFC 8656), which ends in here, over what its name says.
    TurnUdp,
    TurnTcp,
    TurnTls,
    /// None: to a transcoder, within the process.
    Inside,
}

impl Transport {
    /// Its name in Python (`relay/transport/port.py`).
    pub const fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::TurnUdp => "turn_udp",
            Transport::TurnTcp => "turn_tcp",
            Transport::TurnTls => "turn_tls",
            Transport::Inside => "inside",
        }
    }

    /// Whether it is a TCP connection in the end: nobody sends on one without having received.
    pub const fn is_stream(self) -> bool {
        matches!(self, Transport::Tcp | Transport::TurnTcp | Transport::TurnTls)
    }

    /// Whether TURN is around the datagrams.
    pub const fn is_turn(self) -> bool {
        matches!(self, Transport::TurnUdp | Transport::TurnTcp | Transport::TurnTls)
    }
}

/// The browser's address as we see it, and ours that it asked: replies leave from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where the browser, or its NAT or TURN server, sends from. With our own TURN server it is the relayed address: one
    /// of ours, with a port that nobody opened.
    pub remote: SocketAddr,
    /// Our address that it sends to; with our own TURN server the one that it named as its peer's.
    pub local: IpAddr,
    /// Of TCP there is one connection per path, or with TURN for a few.
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

    /// Whether it leads out of the process.
    pub fn leaves(&self) -> bool {
        self.transport != Transport::Inside
    }

    /// To a transcoder: nobody's address, and no packet from a socket has it.
    pub fn inside() -> Self {
        let nowhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        Self { remote: SocketAddr::new(nowhere, 0), local: nowhere, transport: Transport::Inside }
    }
}
