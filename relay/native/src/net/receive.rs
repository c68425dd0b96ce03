//! Datagrams in batches (recvmmsg), each with the address that was asked.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::address::Name;
use super::socket::Bound;
use crate::path::Path;

/// Datagrams per system call.
pub const BATCH: usize = 256;

/// Bytes. Browsers stay below 1,200; nothing longer than an Ethernet frame is ours.
const LARGEST: usize = 1_500;

/// Room for IP_PKTINFO or IPV6_PKTINFO, and SO_RXQ_OVFL.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
struct Control([u8; 96]);

/// Reused for every batch. Boxed slices, because the system's headers point into the others.
pub struct Receiver {
    headers: Box<[libc::mmsghdr]>,
    /// Headers that have to be made ready again: in each that it uses the system writes lengths where it read room. All
    /// of them are 16 KiB, too many to go through for the few datagrams that mostly come.
    used: usize,
    names: Box<[Name]>,
    controls: Box<[Control]>,
    buffers: Box<[[u8; LARGEST]]>,
    /// Never read by us: the headers point to them.
    _vectors: Box<[libc::iovec]>,
}

// SAFETY: the pointers in the headers and vectors lead into heap slices that this value owns and that
// move with it to another thread.
unsafe impl Send for Receiver {}

/// One received datagram.
pub struct Received<'a> {
    /// Its bytes, to be changed in place; None if it was longer than we take.
    pub datagram: Option<&'a mut [u8]>,
    /// Where it came from and which address it asked; None if the system did not say.
    pub path: Option<Path>,
    /// Datagrams that the socket's queue lost since it was opened, if the system said.
    pub overflow: Option<u32>,
}

impl Default for Receiver {
    fn default() -> Self {
        let mut buffers = vec![[0; LARGEST]; BATCH].into_boxed_slice();
        let mut names = vec![Name::empty(); BATCH].into_boxed_slice();
        let mut controls = vec![Control([0; 96]); BATCH].into_boxed_slice();
        let mut vectors: Box<[libc::iovec]> = buffers
            .iter_mut()
            .map(|buffer| libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: LARGEST })
            .collect();
        let headers = (0..BATCH)
            .map(|at| {
                // SAFETY: a header of zeros and null pointers is valid.
                let mut header: libc::mmsghdr = unsafe { std::mem::zeroed() };
                header.msg_hdr.msg_name = (&raw mut names[at]).cast();
                header.msg_hdr.msg_control = (&raw mut controls[at]).cast();
                header.msg_hdr.msg_iov = &raw mut vectors[at];
                header.msg_hdr.msg_iovlen = 1;
                header
            })
            .collect();
        Self { headers, used: BATCH, names, controls, buffers, _vectors: vectors }
    }
}

impl Receiver {
    /// Take what the socket has, up to a batch, without waiting; gives how many. Most errors are ICMP's answers to
    /// something sent earlier; one is given only when there will never be anything again.
    pub fn fill(&mut self, socket: &Bound) -> io::Result<usize> {
        for header in &mut self.headers[..self.used] {
            header.msg_hdr.msg_namelen = size_of::<Name>() as libc::socklen_t;
            header.msg_hdr.msg_controllen = size_of::<Control>() as _;
        }
        // SAFETY: there are BATCH headers; each points to a name, a control buffer and one vector over a
        // buffer, all of the told lengths and owned by `self`.
        let count = unsafe {
            let headers = self.headers.as_mut_ptr();
            libc::recvmmsg(socket.descriptor(), headers, BATCH as u32, libc::MSG_DONTWAIT as _, std::ptr::null_mut())
        };
        let failed = io::Error::last_os_error();
        match (usize::try_from(count), failed.raw_os_error()) {
            (Ok(count), _) => {
                self.used = count;
                Ok(count)
            }
            (Err(_), Some(libc::EBADF | libc::ENOTSOCK)) => Err(failed),
            (Err(_), _) => Ok(0),
        }
    }

    /// The datagrams of the last batch of `count`, which came through `socket`.
    pub fn batch(&mut self, count: usize, socket: &Bound) -> impl Iterator<Item = Received<'_>> {
        let own = socket.only_address();
        let (headers, names, controls) = (&self.headers, &self.names, &self.controls);
        self.buffers.iter_mut().take(count).enumerate().map(move |(at, buffer)| {
            let header = &headers[at];
            let (asked, overflow) = ancillary(&header.msg_hdr, &controls[at]);
            let path = names[at].get().zip(asked.or(own)).map(|(remote, local)| Path::udp(remote, local));
            let truncated = header.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let datagram = buffer.get_mut(..header.msg_len as usize).filter(|_| !truncated);
            Received { datagram, path, overflow }
        })
    }
}

/// The address that was asked, and the overflow counter. `_control` is what `header` points to.
fn ancillary(header: &libc::msghdr, _control: &Control) -> (Option<IpAddr>, Option<u32>) {
    let (mut local, mut overflow) = (None, None);
    // SAFETY: the system wrote `msg_controllen` bytes of control messages into the buffer that `header` points
    // to, which is borrowed for the call; the macros stay within that length.
    let mut message = unsafe { libc::CMSG_FIRSTHDR(header) };
    while !message.is_null() {
        // SAFETY: `message` is one of the system's control messages, whose level and type say what its data are;
        // the data may be unaligned.
        unsafe {
            let data = libc::CMSG_DATA(message);
            match ((*message).cmsg_level, (*message).cmsg_type) {
                (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                    let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                    local = Some(IpAddr::V4(Ipv4Addr::from(u32::from_be(info.ipi_spec_dst.s_addr))));
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    local = Some(IpAddr::V6(Ipv6Addr::from(info.ipi6_addr.s6_addr)));
                }
                (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) => overflow = Some(data.cast::<u32>().read_unaligned()),
                _ => {}
            }
            message = libc::CMSG_NXTHDR(header, message);
        }
    }
    (local, overflow)
}
