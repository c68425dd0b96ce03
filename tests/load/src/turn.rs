//! Just enough of a TURN client (RFC 8656) to bind a channel, without credentials.
//!
//! Of each pair one has an allocation, and the other one sends to it from outside: every packet passes
//! the server once, in by ChannelData and out as it is, or the other way round. That is what every
//! other kind of relay does per packet. (With an allocation for both it would pass twice.)

mod message;
pub mod tunnel;

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use self::message::{
    ALLOCATE, CHANNEL_BIND, CHANNEL_NUMBER, REQUESTED_TRANSPORT, XOR_PEER_ADDRESS, XOR_RELAYED_ADDRESS,
};

/// The protocol that is asked for, as the attribute has it.
const UDP: [u8; 4] = [17, 0, 0, 0];
const CHANNEL: u16 = 0x4000;
const PATIENCE: Duration = Duration::from_secs(2);

/// Give every even person an allocation with a channel to their partner, who is connected to it.
/// Returns the channel of each person.
pub fn join(sockets: &[UdpSocket], server: SocketAddr) -> io::Result<Vec<Option<u16>>> {
    for pair in sockets.chunks_exact(2) {
        let [client, outsider] = pair else { continue };
        client.connect(server)?;
        let answer = ask(client, ALLOCATE, &[(REQUESTED_TRANSPORT, &UDP)])?;
        let relayed = message::find_address(&answer, XOR_RELAYED_ADDRESS)
            .ok_or_else(|| io::Error::other("no relayed address"))?;
        outsider.connect(relayed)?;
        let (channel, peer) = binding(outsider.local_addr()?)?;
        ask(client, CHANNEL_BIND, &[(CHANNEL_NUMBER, &channel), (XOR_PEER_ADDRESS, &peer)])?;
    }
    Ok((0..sockets.len()).map(|id| (id % 2 == 0).then_some(CHANNEL)).collect())
}

/// Our one channel and its peer, as ChannelBind names them.
fn binding(peer: SocketAddr) -> io::Result<([u8; 4], [u8; 8])> {
    let SocketAddr::V4(peer) = peer else { return Err(io::ErrorKind::Unsupported.into()) };
    Ok(((u32::from(CHANNEL) << 16).to_be_bytes(), message::xor_address(peer)))
}

fn ask(socket: &UdpSocket, method: u16, attributes: &[(u16, &[u8])]) -> io::Result<Vec<u8>> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(&message::request(method, attributes, None))?;
    let mut answer = vec![0; 1_500];
    let size = socket.recv(&mut answer)?;
    socket.set_nonblocking(true)?;
    answer.truncate(size);
    if !message::grants(&answer, method) {
        return Err(io::Error::other("the TURN server refused"));
    }
    Ok(answer)
}
