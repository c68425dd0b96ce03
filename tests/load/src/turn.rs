//! Just enough of a TURN client (RFC 8656) to bind a channel, without credentials.
//!
//! Of each pair one has an allocation, and the other one sends to it from outside: every packet passes
//! the server once, in by ChannelData and out as it is, or the other way round. That is what every
//! other kind of relay does per packet. (With an allocation for both it would pass twice.)

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::time::Duration;

const COOKIE: u32 = 0x2112_A442;
const HEADER: usize = 20;
const ALLOCATE: u16 = 0x0003;
const CHANNEL_BIND: u16 = 0x0009;
const SUCCESS: u16 = 0x0100;

const CHANNEL_NUMBER: u16 = 0x000C;
const XOR_PEER_ADDRESS: u16 = 0x0012;
const XOR_RELAYED_ADDRESS: u16 = 0x0016;
const REQUESTED_TRANSPORT: u16 = 0x0019;
const UDP: u8 = 17;
const IPV4: u8 = 1;

const CHANNEL: u16 = 0x4000;
const PATIENCE: Duration = Duration::from_secs(2);

/// Give every even person an allocation with a channel to their partner, who is connected to it.
/// Returns the channel of each person.
pub fn join(sockets: &[UdpSocket], server: SocketAddr) -> io::Result<Vec<Option<u16>>> {
    for pair in sockets.chunks_exact(2) {
        let [client, outsider] = pair else { continue };
        client.connect(server)?;
        let answer = ask(client, ALLOCATE, &[(REQUESTED_TRANSPORT, &[UDP, 0, 0, 0])])?;
        let relayed =
            find_address(&answer, XOR_RELAYED_ADDRESS).ok_or_else(|| io::Error::other("no relayed address"))?;
        outsider.connect(relayed)?;
        let SocketAddr::V4(peer) = outsider.local_addr()? else { return Err(io::ErrorKind::Unsupported.into()) };
        let [high, low] = CHANNEL.to_be_bytes();
        let attributes: [(u16, &[u8]); 2] =
            [(CHANNEL_NUMBER, &[high, low, 0, 0]), (XOR_PEER_ADDRESS, &xor_address(peer))];
        ask(client, CHANNEL_BIND, &attributes)?;
    }
    Ok((0..sockets.len()).map(|id| (id % 2 == 0).then_some(CHANNEL)).collect())
}

fn ask(socket: &UdpSocket, method: u16, attributes: &[(u16, &[u8])]) -> io::Result<Vec<u8>> {
    let mut request = method.to_be_bytes().to_vec();
    request.extend_from_slice(&[0, 0]);
    request.extend_from_slice(&COOKIE.to_be_bytes());
    request.extend_from_slice(&std::array::from_fn::<u8, 12, _>(|_| fastrand::u8(..)));
    for (kind, value) in attributes {
        request.extend_from_slice(&kind.to_be_bytes());
        request.extend_from_slice(&(value.len() as u16).to_be_bytes());
        request.extend_from_slice(value);
    }
    let length = (request.len() - HEADER) as u16;
    request[2..4].copy_from_slice(&length.to_be_bytes());
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(&request)?;
    let mut answer = vec![0; 1_500];
    let size = socket.recv(&mut answer)?;
    socket.set_nonblocking(true)?;
    answer.truncate(size);
    if !answer.starts_with(&(method | SUCCESS).to_be_bytes()) {
        return Err(io::Error::other("the TURN server refused"));
    }
    Ok(answer)
}

fn find_address(answer: &[u8], wanted: u16) -> Option<SocketAddrV4> {
    let mut rest = answer.get(HEADER..)?;
    while let [high, low, length_high, length_low, ..] = *rest {
        let length = usize::from(u16::from_be_bytes([length_high, length_low]));
        let value = rest.get(4..4 + length)?;
        if u16::from_be_bytes([high, low]) == wanted {
            let port = u16::from_be_bytes([*value.get(2)?, *value.get(3)?]) ^ (COOKIE >> 16) as u16;
            let host = u32::from_be_bytes(value.get(4..8)?.try_into().ok()?) ^ COOKIE;
            return Some(SocketAddrV4::new(Ipv4Addr::from(host), port));
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    None
}

fn xor_address(address: SocketAddrV4) -> [u8; 8] {
    let port = (address.port() ^ (COOKIE >> 16) as u16).to_be_bytes();
    let host = (u32::from(*address.ip()) ^ COOKIE).to_be_bytes();
    [0, IPV4, port[0], port[1], host[0], host[1], host[2], host[3]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_address_that_it_wrote() {
        let address = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 1), 49_152);
        let mut answer = vec![0; HEADER];
        answer.extend_from_slice(&XOR_RELAYED_ADDRESS.to_be_bytes());
        answer.extend_from_slice(&[0, 8]);
        answer.extend_from_slice(&xor_address(address));
        assert_eq!(find_address(&answer, XOR_RELAYED_ADDRESS), Some(address));
        assert_eq!(find_address(&answer[..answer.len() - 1], XOR_RELAYED_ADDRESS), None);
    }
}
