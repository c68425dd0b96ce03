//! Datagrams out in batches (sendmmsg), runs of equal length for one receiver as one (UDP GSO).

use std::io;
use std::net::IpAddr;

use super::address::{Name, in_addr, in6_addr};
use super::flows::Flows;
use super::socket::Bound;
use crate::outbox::{Outbox, Outgoing};
use crate::path::Transport;

/// Messages per system call.
const BATCH: usize = 256;

/// Datagrams in one message with segmentation, and bytes: the system's own limits are 64 and 64 KiB.
const SEGMENTS: usize = 40;
const LARGEST: usize = 60_000;

/// Room for a source address and a segment size.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 64]);

/// Reused for every batch.
pub struct Sender {
    headers: Vec<libc::mmsghdr>,
    vectors: Vec<libc::iovec>,
    names: Box<[Name]>,
    controls: Box<[Control]>,
    /// Where in the batch each message's datagrams are.
    runs: Vec<(usize, usize)>,
    segmentation: bool,
    /// What goes to clients of TURN over UDP, with TURN around it.
    wrapped: Outbox,
}

// SAFETY: headers and vectors hold pointers only within one call of `send`, which fills them anew.
unsafe impl Send for Sender {}

impl Default for Sender {
    fn default() -> Self {
        Self {
            headers: Vec::with_capacity(BATCH),
            vectors: Vec::with_capacity(BATCH),
            names: vec![Name::empty(); BATCH].into_boxed_slice(),
            controls: vec![Control([0; 64]); BATCH].into_boxed_slice(),
            runs: Vec::with_capacity(BATCH),
            segmentation: true,
            wrapped: Outbox::default(),
        }
    }
}

impl Sender {
    /// Send everything in the outbox through the socket or connection each datagram belongs to. Gives how many could not be
    /// sent: to their receivers those are lost packets.
    pub fn send(&mut self, sockets: &[Bound], flows: &Flows, outbox: &mut Outbox) -> usize {
        outbox.sorted();
        let items = outbox.items();
        let mut failed = 0;
        let mut at = 0;
        while at < items.len() {
            let path = items[at].path;
            if path.transport == Transport::Tcp {
                let count = items[at..].iter().take_while(|item| item.path == path).count();
                failed += flows.send(path, items[at..at + count].iter().map(|item| outbox.bytes(item)));
                at += count;
                continue;
            }
            if path.transport.is_turn() {
                let count = items[at..].iter().take_while(|item| item.path == path).count();
                failed += self.send_turn(flows, outbox, &items[at..at + count]);
                at += count;
                continue;
            }
            let local = path.local;
            let socket = sockets.iter().find(|socket| socket.serves(local));
            // The datagrams that this socket sends next.
            let count = items[at..]
                .iter()
                .take_while(|item| item.path.transport == Transport::Udp)
                .take_while(|item| match socket {
                    Some(socket) => socket.serves(item.path.local),
                    None => item.path.local == local,
                })
                .count();
            match socket {
                Some(socket) => failed += self.send_through(socket, outbox, &items[at..at + count]),
                None => failed += count,
            }
            at += count;
        }
        if !self.wrapped.items().is_empty() {
            let mut wrapped = std::mem::take(&mut self.wrapped);
            failed += self.send(sockets, flows, &mut wrapped);
            wrapped.clear();
            self.wrapped = wrapped;
        }
        failed
    }

    /// Send datagrams that all go by one path through TURN, or put them aside if that is over UDP.
    fn send_turn(&mut self, flows: &Flows, outbox: &Outbox, items: &[Outgoing]) -> usize {
        let Some(route) = flows.routes.get(&items[0].path) else { return items.len() };
        if route.client.transport.is_stream() {
            return flows.send_by(&route, items.iter().map(|item| outbox.bytes(item)));
        }
        for item in items {
            let _: Result<(), ()> = self.wrapped.push(item.peer, route.client, |message| {
                route.wrap(outbox.bytes(item), message);
                Ok(())
            });
        }
        0
    }

    fn send_through(&mut self, socket: &Bound, outbox: &Outbox, items: &[Outgoing]) -> usize {
        let (mut failed, mut at) = (0, 0);
        while at < items.len() {
            let taken = self.prepare(socket, outbox, &items[at..]);
            let batch = &items[at..at + taken];
            let mut done = 0;
            while done < self.headers.len() {
                // SAFETY: the headers from `done` on were filled by `prepare`; their pointers lead into `self`
                // and into the outbox, which both outlive the call. The system does not write to what it sends.
                let sent = unsafe {
                    let count = (self.headers.len() - done) as u32;
                    libc::sendmmsg(socket.descriptor(), self.headers[done..].as_mut_ptr(), count, 0)
                };
                if let Ok(sent @ 1..) = usize::try_from(sent) {
                    done += sent;
                    continue;
                }
                let (first, length) = self.runs[done];
                match io::Error::last_os_error().raw_os_error() {
                    Some(libc::EINTR) => continue,
                    // The socket's buffer is full: the rest would not fit either.
                    Some(libc::EAGAIN | libc::ENOBUFS) => {
                        return failed + items.len() - at - first;
                    }
                    // No segmentation on this interface or system: do without from now on.
                    Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP) if length > 1 => {
                        self.segmentation = false;
                        return failed + self.send_through(socket, outbox, &items[at + first..]);
                    }
                    // No route to this one.
                    _ => {
                        failed += length;
                        done += 1;
                    }
                }
            }
            at += batch.len();
        }
        failed
    }

    /// Fill the headers for a batch; gives how many datagrams it holds.
    fn prepare(&mut self, socket: &Bound, outbox: &Outbox, items: &[Outgoing]) -> usize {
        self.headers.clear();
        self.vectors.clear();
        self.runs.clear();
        let mut taken = 0;
        while taken < items.len() && self.runs.len() < BATCH {
            let length = if self.segmentation { run(outbox, &items[taken..]) } else { 1 };
            for item in &items[taken..taken + length] {
                let bytes = outbox.bytes(item);
                self.vectors.push(libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() });
            }
            self.runs.push((taken, length));
            taken += length;
        }
        // Only now, because the vectors may have moved while they grew.
        let vectors = self.vectors.as_mut_ptr();
        for (at, (first, length)) in self.runs.iter().enumerate() {
            let item = &items[*first];
            // SAFETY: a header of zeros and null pointers is valid.
            let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
            let message = &mut header.msg_hdr;
            message.msg_namelen = self.names[at].set(item.path.remote);
            message.msg_name = (&raw mut self.names[at]).cast();
            // SAFETY: there is one vector per datagram, so `first` lies within them.
            message.msg_iov = unsafe { vectors.add(*first) };
            message.msg_iovlen = *length as _;
            message.msg_control = (&raw mut self.controls[at]).cast();
            message.msg_controllen = size_of::<Control>() as _;
            let segment = (*length > 1).then(|| outbox.bytes(item).len() as u16);
            let local = Some(item.path.local).filter(|_| socket.only_address().is_none());
            message.msg_controllen = write_control(message, local, segment) as _;
            self.headers.push(header);
        }
        taken
    }
}

/// How many of the first datagrams can go as segments of one message: same path and length, but the last may be
/// shorter.
fn run(outbox: &Outbox, items: &[Outgoing]) -> usize {
    let size = outbox.bytes(&items[0]).len();
    let (mut total, mut count) = (size, 1);
    for item in &items[1..] {
        let length = outbox.bytes(item).len();
        if count == SEGMENTS || item.path != items[0].path || length > size || total + length > LARGEST {
            break;
        }
        total += length;
        count += 1;
        if length < size {
            break;
        }
    }
    count
}

/// Write the source address where there is a choice and, for several segments, their size; gives the length of it all.
fn write_control(message: &libc::msghdr, local: Option<IpAddr>, segment: Option<u16>) -> usize {
    // SAFETY: `message` points to a control buffer of 64 aligned bytes, told in its length. Two messages of
    // at most CMSG_SPACE(20) and CMSG_SPACE(2) bytes fit, and the macros stay within them.
    unsafe {
        let mut length = 0;
        let mut header = libc::CMSG_FIRSTHDR(message);
        let mut put = |level: i32, kind: i32, value: *const u8, size: usize| {
            (*header).cmsg_level = level;
            (*header).cmsg_type = kind;
            (*header).cmsg_len = libc::CMSG_LEN(size as u32) as _;
            std::ptr::copy_nonoverlapping(value, libc::CMSG_DATA(header), size);
            let space = libc::CMSG_SPACE(size as u32) as usize;
            length += space;
            header = header.cast::<u8>().add(space).cast();
        };
        match local {
            Some(IpAddr::V4(ip)) => {
                let info = libc::in_pktinfo {
                    ipi_ifindex: 0,
                    ipi_spec_dst: in_addr(ip),
                    ipi_addr: libc::in_addr { s_addr: 0 },
                };
                put(libc::IPPROTO_IP, libc::IP_PKTINFO, (&raw const info).cast(), size_of_val(&info));
            }
            Some(IpAddr::V6(ip)) => {
                let info = libc::in6_pktinfo { ipi6_addr: in6_addr(ip), ipi6_ifindex: 0 };
                put(libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, (&raw const info).cast(), size_of_val(&info));
            }
            None => {}
        }
        if let Some(size) = segment {
            put(libc::SOL_UDP, libc::UDP_SEGMENT, (&raw const size).cast(), size_of::<u16>());
        }
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::Path;

    /// How many datagrams each message would have, of those of these lengths to these ports.
    fn runs(datagrams: &[(usize, u16)]) -> Vec<usize> {
        let mut outbox = Outbox::default();
        for (length, port) in datagrams {
            let path = Path::udp(([192, 0, 2, 1], *port).into(), IpAddr::from([198, 51, 100, 1]));
            let written: Result<(), ()> = outbox.push(1, path, |bytes| {
                bytes.resize(bytes.len() + length, 0);
                Ok(())
            });
            assert_eq!(written, Ok(()));
        }
        let (mut items, mut runs) = (outbox.items(), Vec::new());
        while !items.is_empty() {
            let length = run(&outbox, items);
            runs.push(length);
            items = &items[length..];
        }
        runs
    }

    #[test]
    fn the_system_can_cut_a_message_into_the_datagrams_that_it_was_made_of() {
        assert_eq!(runs(&[(100, 1); 3]), [3]);
        assert_eq!(runs(&[(100, 1), (100, 1), (60, 1), (60, 1), (100, 1)]), [3, 1, 1], "only the last may be shorter");
        assert_eq!(runs(&[(100, 1), (101, 1)]), [1, 1]);
        assert_eq!(runs(&[(100, 1), (100, 2), (100, 2)]), [1, 2], "another path");
        assert_eq!(runs(&[(1_200, 1); 100]), [SEGMENTS, SEGMENTS, 20]);
        assert_eq!(runs(&[(25_000, 1); 3]), [2, 1]);
    }
}
