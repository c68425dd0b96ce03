//! UDP in batches: recvmmsg and sendmmsg. The unsafe part of the generator's input and output.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::ops::Range;
use std::os::fd::AsRawFd;

/// Room for one datagram; WebRTC keeps below 1,500 bytes.
const DATAGRAM: usize = 2_048;
/// Datagrams for one call.
pub const BATCH: usize = 64;
/// Segments that the kernel cuts out of one message.
const MOST_SEGMENTS: usize = 40;
/// Asked of the kernel, which may grant less.
static SOCKET_BUFFER: libc::c_int = 4 << 20;

/// A non-blocking socket with as large buffers as the kernel allows.
pub fn open(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
        // SAFETY: the value is a c_int that outlives the call. A refusal leaves the default size.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const SOCKET_BUFFER).cast(),
                size_of::<libc::c_int>() as u32,
            )
        };
    }
    Ok(socket)
}

/// Memory for datagrams that arrive, shared by all sockets of a thread.
pub struct Inbox {
    buffers: Box<[[u8; DATAGRAM]; BATCH]>,
    sources: Box<[libc::sockaddr_in; BATCH]>,
    lengths: [usize; BATCH],
}

impl Default for Inbox {
    fn default() -> Self {
        Self {
            buffers: Box::new([[0; DATAGRAM]; BATCH]),
            sources: Box::new([ipv4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0)); BATCH]),
            lengths: [0; BATCH],
        }
    }
}

impl Inbox {
    /// Take what has arrived, `BATCH` datagrams at most; 0 when there is nothing.
    pub fn receive(&mut self, socket: &UdpSocket) -> io::Result<usize> {
        // SAFETY: all-zero is a valid value of these C structs.
        let (mut headers, mut vectors): ([libc::mmsghdr; BATCH], [libc::iovec; BATCH]) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        for (((header, vector), buffer), source) in
            headers.iter_mut().zip(&mut vectors).zip(self.buffers.iter_mut()).zip(self.sources.iter_mut())
        {
            vector.iov_base = buffer.as_mut_ptr().cast();
            vector.iov_len = DATAGRAM;
            header.msg_hdr.msg_iov = vector;
            header.msg_hdr.msg_iovlen = 1;
            header.msg_hdr.msg_name = (source as *mut libc::sockaddr_in).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
        }
        // SAFETY: each header points at one buffer and one address, of the lengths given, which
        // outlive the call; the kernel truncates a longer address.
        let received = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if received < 0 {
            return match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
                error => Err(error),
            };
        }
        let received = received as usize;
        for (length, header) in self.lengths.iter_mut().zip(&headers[..received]) {
            *length = header.msg_len as usize;
        }
        Ok(received)
    }

    /// Have a datagram at this position that came some other way.
    pub fn put(&mut self, position: usize, datagram: &[u8]) {
        let length = datagram.len().min(DATAGRAM);
        self.buffers[position][..length].copy_from_slice(&datagram[..length]);
        self.lengths[position] = length;
    }

    /// The n-th datagram of the last `receive`.
    pub fn datagram(&mut self, position: usize) -> &mut [u8] {
        &mut self.buffers[position][..self.lengths[position]]
    }

    /// Where it came from, on an IPv4 socket.
    pub fn source(&self, position: usize) -> SocketAddrV4 {
        let source = &self.sources[position];
        SocketAddrV4::new(Ipv4Addr::from(u32::from_be(source.sin_addr.s_addr)), u16::from_be(source.sin_port))
    }
}

/// Datagrams that are to leave together.
#[derive(Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    pieces: Vec<Piece>,
    segments: bool,
}

struct Piece {
    range: Range<usize>,
    /// None on a connected socket.
    destination: Option<libc::sockaddr_in>,
    /// Size of the datagrams in it; the last one may be shorter.
    segment: usize,
}

impl Outbox {
    /// One that lets the kernel cut datagrams of one size out of one message (UDP_SEGMENT): they
    /// arrive as if they had been sent one by one, for half the price.
    pub fn segmenting() -> Self {
        Self { segments: true, ..Self::default() }
    }

    /// Add a datagram to the peer of a connected socket: `write` appends it, or nothing.
    pub fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.append(write, None);
    }

    /// Add a datagram to `destination`.
    pub fn push_to(&mut self, destination: SocketAddrV4, datagram: &[u8]) {
        self.append(|bytes| bytes.extend_from_slice(datagram), Some(ipv4(destination)));
    }

    /// Take some datagrams out again; returns how many.
    pub fn lose(&mut self, mut is_lost: impl FnMut(&[u8]) -> bool) -> usize {
        let before = self.pieces.len();
        self.pieces.retain(|piece| !is_lost(&self.bytes[piece.range.clone()]));
        before - self.pieces.len()
    }

    /// Send all. What the kernel refuses is lost, as on any network.
    pub fn flush(&mut self, socket: &UdpSocket) {
        if self.segments {
            self.join();
        }
        for batch in self.pieces.chunks_mut(BATCH) {
            send(socket, &mut self.bytes, batch);
        }
        self.bytes.clear();
        self.pieces.clear();
    }

    /// Hand all over to `take` instead of sending them.
    pub fn drain(&mut self, mut take: impl FnMut(&[u8])) {
        for piece in self.pieces.drain(..) {
            take(&self.bytes[piece.range]);
        }
        self.bytes.clear();
    }

    fn append(&mut self, write: impl FnOnce(&mut Vec<u8>), destination: Option<libc::sockaddr_in>) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let range = start..self.bytes.len();
        if !range.is_empty() {
            self.pieces.push(Piece { segment: range.len(), range, destination });
        }
    }

    /// Make one piece of neighbours of one size, to the peer of a connected socket.
    fn join(&mut self) {
        self.pieces.dedup_by(|next, piece| {
            let joins = piece.range.len() % piece.segment == 0
                && next.range.len() <= piece.segment
                && next.range.start == piece.range.end
                && piece.range.len() / piece.segment < MOST_SEGMENTS
                && piece.destination.is_none()
                && next.destination.is_none();
            if joins {
                piece.range.end = next.range.end;
            }
            joins
        });
    }
}

fn send(socket: &UdpSocket, bytes: &mut [u8], pieces: &mut [Piece]) {
    // SAFETY: all-zero is a valid value of these C structs.
    let (mut headers, mut vectors, mut controls): ([libc::mmsghdr; BATCH], [libc::iovec; BATCH], [Control; BATCH]) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed(), std::mem::zeroed()) };
    let amount = pieces.len();
    for (((header, vector), control), Piece { range, destination, segment }) in
        headers.iter_mut().zip(&mut vectors).zip(&mut controls).zip(pieces)
    {
        let piece = &mut bytes[range.clone()];
        vector.iov_base = piece.as_mut_ptr().cast();
        vector.iov_len = piece.len();
        header.msg_hdr.msg_iov = vector;
        header.msg_hdr.msg_iovlen = 1;
        if let Some(destination) = destination {
            header.msg_hdr.msg_name = (destination as *mut libc::sockaddr_in).cast();
            header.msg_hdr.msg_namelen = size_of::<libc::sockaddr_in>() as u32;
        }
        if range.len() > *segment {
            *control = Control::new(*segment as u16);
            header.msg_hdr.msg_control = (control as *mut Control).cast();
            header.msg_hdr.msg_controllen = size_of::<Control>();
        }
    }
    let mut sent = 0;
    while sent < amount {
        // SAFETY: the first `amount` headers point at memory that outlives the call.
        let taken = unsafe {
            libc::sendmmsg(socket.as_raw_fd(), headers[sent..].as_mut_ptr(), (amount - sent) as u32, libc::MSG_DONTWAIT)
        };
        if taken <= 0 {
            break;
        }
        sent += taken as usize;
    }
}

/// The control message with the size of segments, laid out as cmsg(3) says.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    segment: u16,
    padding: [u16; 3],
}

impl Control {
    fn new(segment: u16) -> Self {
        let header = libc::cmsghdr {
            cmsg_len: size_of::<libc::cmsghdr>() + size_of::<u16>(),
            cmsg_level: libc::SOL_UDP,
            cmsg_type: libc::UDP_SEGMENT,
        };
        Self { header, segment, padding: [0; 3] }
    }
}

fn ipv4(address: SocketAddrV4) -> libc::sockaddr_in {
    libc::sockaddr_in {
        sin_family: libc::AF_INET as u16,
        sin_port: address.port().to_be(),
        sin_addr: libc::in_addr { s_addr: u32::from(*address.ip()).to_be() },
        sin_zero: [0; 8],
    }
}
