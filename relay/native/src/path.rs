//! How the datagrams of one flow travel.

use std::net::{IpAddr, SocketAddr};

/// The browser's address as we see it, and ours that it asked: replies leave from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// Where the browser, or its NAT or TURN server, sends from.
    pub remote: SocketAddr,
    /// Our address that it sends to.
    pub local: IpAddr,
}
