//! One bound UDP socket.

use std::io;
use std::mem::size_of_val;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::address::Name;

/// Bytes of the longest datagram that is queued; what we do not take, but is no longer than this, is counted.
const LARGEST_QUEUED: u32 = 2_048;

/// Bytes of the header that a filter sees before the datagram.
const UDP_HEADER: u32 = 8;

/// A UDP socket that reports which of our addresses a datagram was sent to, and what its queue lost.
#[derive(Debug)]
pub struct Bound {
    descriptor: OwnedFd,
    host: IpAddr,
}

/// Bytes that the system grants for each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names say it
pub struct Buffers {
    pub receive: usize,
    pub send: usize,
}

impl Bound {
    /// Bind `port` on `host`. With `shared`, several sockets may: the system spreads flows over them.
    pub fn open(host: IpAddr, port: u16, shared: bool, buffers: Buffers) -> io::Result<(Self, Buffers)> {
        let family = if host.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let kind = libc::SOCK_DGRAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: takes no pointers.
        let descriptor = check(unsafe { libc::socket(family, kind, 0) })?;
        // SAFETY: the descriptor was just made and has no other owner.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        let socket = Self { descriptor, host };
        if host.is_ipv6() {
            socket.set(libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
        }
        match host {
            _ if socket.only_address().is_some() => {}
            IpAddr::V4(_) => socket.set(libc::IPPROTO_IP, libc::IP_PKTINFO, 1)?,
            IpAddr::V6(_) => socket.set(libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)?,
        }
        socket.set(libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1)?;
        if shared {
            socket.set(libc::SOL_SOCKET, libc::SO_REUSEPORT, 1)?;
        }
        let granted = Buffers {
            receive: socket.grow(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF, buffers.receive)?,
            send: socket.grow(libc::SO_SNDBUFFORCE, libc::SO_SNDBUF, buffers.send)?,
        };
        socket.refuse_oversized()?;
        let mut name = Name::empty();
        let length = name.set(SocketAddr::new(host, port));
        // SAFETY: `name` holds an address of `length` bytes and outlives the call.
        check(unsafe { libc::bind(socket.descriptor.as_raw_fd(), (&raw const name).cast(), length) })?;
        Ok((socket, granted))
    }

    /// The same socket for another thread, to send through.
    pub fn duplicate(&self) -> io::Result<Self> {
        Ok(Self { descriptor: self.descriptor.try_clone()?, host: self.host })
    }

    /// Whether datagrams from `local` leave through this socket.
    pub fn serves(&self, local: IpAddr) -> bool {
        self.host == local || (self.host.is_unspecified() && self.host.is_ipv4() == local.is_ipv4())
    }

    /// The address that all its datagrams come to and leave from, if it is bound to one: then the system is neither asked
    /// nor told with each.
    pub fn only_address(&self) -> Option<IpAddr> {
        Some(self.host).filter(|host| !host.is_unspecified())
    }

    /// For polling and system calls; stays owned by the socket.
    pub fn descriptor(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// Ask for a buffer beyond the administrator's limit where we may, else within it; gives what we got.
    fn grow(&self, force: i32, ask: i32, bytes: usize) -> io::Result<usize> {
        let wanted = i32::try_from(bytes).unwrap_or(i32::MAX / 2);
        if self.set(libc::SOL_SOCKET, force, wanted).is_err() {
            self.set(libc::SOL_SOCKET, ask, wanted)?;
        }
        // The system doubles what is set, for its own bookkeeping (socket(7)).
        Ok(self.get(libc::SOL_SOCKET, ask)? as usize / 2)
    }

    /// Have the system drop what is far too long before it is queued: a datagram of 64 KiB would take the room of thirty
    /// packets of media. The socket's overflow counter has those, too. Other nonsense takes no more room than media
    /// does; it is dropped by us, and counted by reason (`docs/decisions/0007-floods.md`).
    fn refuse_oversized(&self) -> io::Result<()> {
        let longest = UDP_HEADER + LARGEST_QUEUED;
        let step = |code: u32, yes: u8, no: u8, k: u32| libc::sock_filter { code: code as u16, jt: yes, jf: no, k };
        let mut steps = [
            step(libc::BPF_LD | libc::BPF_W | libc::BPF_LEN, 0, 0, 0),
            step(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, 0, 1, longest),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
            step(libc::BPF_RET | libc::BPF_K, 0, 0, u32::MAX),
        ];
        let program = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
        let length = size_of_val(&program) as libc::socklen_t;
        // SAFETY: `program` holds as many steps as it says; both outlive the call, which copies and checks them.
        let result = unsafe {
            let descriptor = self.descriptor.as_raw_fd();
            libc::setsockopt(descriptor, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, (&raw const program).cast(), length)
        };
        check(result).map(drop)
    }

    fn set(&self, level: i32, option: i32, value: i32) -> io::Result<()> {
        let length = size_of_val(&value) as libc::socklen_t;
        // SAFETY: `value` has `length` bytes and outlives the call.
        let result =
            unsafe { libc::setsockopt(self.descriptor.as_raw_fd(), level, option, (&raw const value).cast(), length) };
        check(result).map(drop)
    }

    fn get(&self, level: i32, option: i32) -> io::Result<i32> {
        let mut value = 0_i32;
        let mut length = size_of_val(&value) as libc::socklen_t;
        // SAFETY: `value` has room for `length` bytes, and both outlive the call.
        let result = unsafe {
            let value = (&raw mut value).cast();
            libc::getsockopt(self.descriptor.as_raw_fd(), level, option, value, &raw mut length)
        };
        check(result).map(|_| value)
    }
}

pub(super) fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::{Ipv4Addr, UdpSocket};
    use std::sync::Arc;

    use super::*;
    use crate::net::Flows;
    use crate::net::{Poll, Receiver, Sender, Wake};
    use crate::outbox::Outbox;
    use crate::path::Path;

    /// A socket on any port of `host`, and somebody who sends to it.
    fn visited(host: Ipv4Addr) -> (Bound, UdpSocket) {
        let buffers = Buffers { receive: 65_536, send: 65_536 };
        let (bound, _) = Bound::open(host.into(), 0, false, buffers).unwrap();
        let mut name = Name::empty();
        let mut length = size_of_val(&name) as libc::socklen_t;
        // SAFETY: `name` has room for `length` bytes, and both outlive the call.
        check(unsafe { libc::getsockname(bound.descriptor(), (&raw mut name).cast(), &raw mut length) }).unwrap();
        let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        stranger.connect((Ipv4Addr::LOCALHOST, name.get().unwrap().port())).unwrap();
        (bound, stranger)
    }

    #[test]
    fn a_socket_serves_its_own_address_and_any_of_its_family_if_it_is_bound_to_all() {
        let (bound, _) = visited(Ipv4Addr::LOCALHOST);
        let served = |host: &str| {
            let bound = Bound { host: host.parse().unwrap(), ..bound.duplicate().unwrap() };
            ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|local| bound.serves(local.parse().unwrap()))
        };
        assert_eq!(served("192.0.2.1"), [true, false, false]);
        assert_eq!(served("0.0.0.0"), [true, true, false]);
        assert_eq!(served("::"), [false, false, true]);
    }

    #[test]
    fn giants_are_not_even_queued() {
        let (bound, stranger) = visited(Ipv4Addr::LOCALHOST);
        let mut receiver = Receiver::default();
        // Nothing of an earlier batch, which had less to tell, is in the way.
        stranger.send(&[1]).unwrap();
        assert_eq!(receiver.fill(&bound).unwrap(), 1);
        for length in [9_000, 65_000, 2_049, 2_048, 1_500, 1, 0] {
            stranger.send(&vec![1; length]).unwrap();
        }
        let count = receiver.fill(&bound).unwrap();
        let received =
            receiver.batch(count, &bound).map(|received| (received.datagram.map(|it| it.len()), received.overflow));
        assert_eq!(
            received.collect::<Vec<_>>(),
            [None, Some(1_500), Some(1), Some(0)].map(|length| (length, Some(3))),
            "what is refused is counted by the system"
        );
    }

    #[test]
    fn where_a_datagram_came_to_is_known_on_one_address_and_on_any() {
        for host in [Ipv4Addr::LOCALHOST, Ipv4Addr::UNSPECIFIED] {
            let (bound, stranger) = visited(host);
            let mut receiver = Receiver::default();
            stranger.send(b"hello").unwrap();
            let count = receiver.fill(&bound).unwrap();
            let paths: Vec<_> = receiver.batch(count, &bound).map(|received| received.path).collect();
            let path = Path::udp(stranger.local_addr().unwrap(), Ipv4Addr::LOCALHOST.into());
            assert_eq!(paths, [Some(path)]);
            let mut outbox = Outbox::default();
            let pushed: Result<(), ()> = outbox.push(1, path, |bytes| {
                bytes.extend_from_slice(b"there");
                Ok(())
            });
            pushed.unwrap();
            let flows = Flows::new(Poll::new(&Wake::new().unwrap()).unwrap(), Arc::default(), Arc::default());
            assert_eq!(Sender::default().send(&[bound], &flows, &mut outbox), 0);
            let mut buffer = [0; 5];
            assert_eq!((stranger.recv(&mut buffer).unwrap(), &buffer), (5, b"there"));
        }
    }
}
