//! TCP connections of browsers that can't use UDP: who sends through them, and what waits to be sent. They carry ICE
//! (RFC 6544), or TURN (RFC 8656) with or without TLS.
//!
//! Any media thread may send; one thread alone reads, and takes connections in and out (`tcp_worker.rs`). What a
//! slow reader leaves unread is bounded: media that does not fit is lost as on any narrow link, and counted;
//! answers to checks and DTLS have room of their own, and a reader who fills that as well is cut off.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::stream::{Poll, Stream};
use crate::counters::{Reason, Totals};
use crate::path::Path;
use crate::tls::Tls;
use crate::turn::{Route, Routes};
use crate::wire::framing::{Framing, frame};

/// Bytes waiting beyond which media is dropped: half a second at full rate.
pub const MEDIA_BACKLOG: usize = 64 * 1024;

/// Bytes waiting beyond which the connection is closed.
pub const LARGEST_BACKLOG: usize = 128 * 1024;

/// One connection.
pub struct Flow {
    /// Names it in the poll; never used again.
    pub id: u64,
    /// Its two ends.
    pub path: Path,
    /// Only the reading thread reads from it.
    pub stream: Stream,
    framing: Framing,
    sending: Mutex<Sending>,
}

struct Sending {
    /// What the system has not taken yet.
    waiting: Vec<u8>,
    /// What is between it and the datagrams.
    tls: Option<Tls>,
}

/// The connection is of no use any more.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended;

/// All of them.
pub struct Flows {
    by_path: Mutex<HashMap<Path, Arc<Flow>>>,
    /// Where they are waited for.
    pub poll: Poll,
    /// Where relayed addresses lead.
    pub routes: Arc<Routes>,
    totals: Arc<Totals>,
}

impl Flows {
    /// None yet; `totals`, which nobody else writes, count what is dropped.
    pub fn new(poll: Poll, routes: Arc<Routes>, totals: Arc<Totals>) -> Self {
        Self { by_path: Mutex::default(), poll, routes, totals }
    }

    /// Take a connection in. Gives the one that had this path before, if any.
    pub fn insert(
        &self,
        id: u64,
        path: Path,
        stream: Stream,
        framing: Framing,
        tls: Option<Tls>,
    ) -> std::io::Result<(Arc<Flow>, Option<Arc<Flow>>)> {
        self.poll.add(&stream, id)?;
        let sending = Mutex::new(Sending { waiting: Vec::new(), tls });
        let flow = Arc::new(Flow { id, path, stream, framing, sending });
        let before = lock(&self.by_path).insert(path, Arc::clone(&flow));
        Ok((flow, before))
    }

    /// Let a connection go; it is closed when nobody sends through it any more.
    pub fn remove(&self, flow: &Flow) {
        self.poll.remove(&flow.stream);
        let mut flows = lock(&self.by_path);
        if flows.get(&flow.path).is_some_and(|known| known.id == flow.id) {
            flows.remove(&flow.path);
        }
        flow.stream.shut_down();
    }

    /// Send datagrams on one path; gives how many there was no connection for.
    pub fn send<'a>(&self, path: Path, datagrams: impl ExactSizeIterator<Item = &'a [u8]>) -> usize {
        self.send_wrapped(path, None, datagrams)
    }

    /// Send datagrams to a client of TURN, as from this peer of it; gives how many there was no connection for.
    pub fn send_by<'a>(&self, route: &Route, datagrams: impl ExactSizeIterator<Item = &'a [u8]>) -> usize {
        self.send_wrapped(route.client, Some(route), datagrams)
    }

    fn send_wrapped<'a>(
        &self,
        path: Path,
        route: Option<&Route>,
        datagrams: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> usize {
        let Some(flow) = lock(&self.by_path).get(&path).cloned() else { return datagrams.len() };
        let mut sending = lock(&flow.sending);
        let Sending { waiting, tls } = &mut *sending;
        let armed = !waiting.is_empty();
        let mut plain = Vec::new();
        for datagram in datagrams {
            let after = waiting.len() + plain.len() + datagram.len();
            let out = if tls.is_some() { &mut plain } else { &mut *waiting };
            if after > MEDIA_BACKLOG && is_media(datagram) {
                self.totals.drops.count_shared(Reason::TcpBacklog);
            } else if after > LARGEST_BACKLOG {
                self.totals.drops.count_shared(Reason::TcpStuck);
                // The reading thread sees that it has ended.
                flow.stream.shut_down();
                return 0;
            } else if let Some(route) = route {
                route.wrap(datagram, out);
            } else if flow.framing == Framing::Ice {
                frame(datagram, out);
            } else {
                out.extend_from_slice(datagram);
            }
        }
        if let Some(tls) = tls {
            tls.send(&plain, waiting);
        }
        if !armed {
            self.write(&flow, waiting, false);
        }
        0
    }

    /// What came through TLS is appended to `plain`, and what TLS has to say itself is sent.
    pub fn open(&self, flow: &Flow, ciphertext: &[u8], plain: &mut Vec<u8>) -> Result<(), Ended> {
        let mut sending = lock(&flow.sending);
        let Sending { waiting, tls } = &mut *sending;
        let Some(tls) = tls else { return Err(Ended) };
        let armed = !waiting.is_empty();
        let received = tls.receive(ciphertext, plain);
        tls.pending(waiting);
        if waiting.len() > LARGEST_BACKLOG {
            self.totals.drops.count_shared(Reason::TcpStuck);
            return Err(Ended);
        }
        if !armed {
            self.write(flow, waiting, false);
        }
        received.map_err(|_| Ended)
    }

    /// The connection takes bytes again.
    pub fn flush(&self, flow: &Flow) {
        self.write(flow, &mut lock(&flow.sending).waiting, true);
    }

    fn write(&self, flow: &Flow, waiting: &mut Vec<u8>, armed: bool) {
        match flow.stream.write(waiting) {
            // Who reads as fast as it is sent takes no memory between two packets.
            Some(written) if written == waiting.len() => *waiting = Vec::new(),
            Some(written) => drop(waiting.drain(..written)),
            None => {
                waiting.clear();
                flow.stream.shut_down();
            }
        }
        if waiting.is_empty() == armed {
            self.poll.watch_writable(&flow.stream, flow.id, !waiting.is_empty());
        }
    }
}

/// SRTP or SRTCP (RFC 7983 section 7), which may be lost.
fn is_media(datagram: &[u8]) -> bool {
    matches!(datagram.first(), Some(128..=191))
}

/// What these locks guard is whole after every statement.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::IntoRawFd;
    use std::time::Duration;

    use super::*;
    use crate::net::Wake;
    use crate::wire::framing::Deframer;

    const MEDIA: [u8; 1_000] = [128; 1_000];
    const DTLS: [u8; 1_000] = [22; 1_000];

    fn connected() -> (Flows, Arc<Flow>, Arc<Totals>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let browser = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, path) = Stream::adopt(listener.accept().unwrap().0.into_raw_fd()).unwrap();
        let totals = Arc::new(Totals::default());
        let flows = Flows::new(Poll::new(&Wake::new().unwrap()).unwrap(), Arc::default(), Arc::clone(&totals));
        let (flow, before) = flows.insert(7, path, stream, Framing::Ice, None).unwrap();
        assert!(before.is_none());
        (flows, flow, totals, browser)
    }

    fn send(flows: &Flows, flow: &Flow, datagram: &[u8]) {
        assert_eq!(flows.send(flow.path, std::iter::once(datagram)), 0);
    }

    #[test]
    fn a_slow_reader_loses_media_but_no_handshake_and_catches_up() {
        let (flows, flow, totals, mut browser) = connected();
        while totals.drops.get(Reason::TcpBacklog) < 1_000 {
            send(&flows, &flow, &MEDIA);
            assert!(lock(&flow.sending).waiting.len() <= MEDIA_BACKLOG + 2);
        }
        send(&flows, &flow, &DTLS);
        browser.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let (mut deframer, mut buffer, mut last) = (Deframer::default(), vec![0; 65_536], Vec::new());
        while last != DTLS {
            for ready in flows.poll.wait(Duration::ZERO).unwrap() {
                assert_eq!((ready.id, ready.writable), (7, true));
                flows.flush(&flow);
            }
            let length = browser.read(&mut buffer).unwrap();
            deframer.feed(&mut buffer[..length], |datagram| last = datagram.to_vec()).unwrap();
        }
        assert_eq!(lock(&flow.sending).waiting.capacity(), 0, "what a slow reader needed is given back");
        assert_eq!(flows.poll.wait(Duration::ZERO).unwrap(), [], "room is no news while nothing waits");
        send(&flows, &flow, &MEDIA);
        assert!(lock(&flow.sending).waiting.is_empty());
    }

    #[test]
    fn who_reads_not_even_the_handshake_is_cut_off() {
        let (flows, flow, totals, _browser) = connected();
        while totals.drops.get(Reason::TcpStuck) == 0 {
            send(&flows, &flow, &DTLS);
            assert!(lock(&flow.sending).waiting.len() <= LARGEST_BACKLOG + 2);
        }
        assert!(flows.poll.wait(Duration::ZERO).unwrap()[0].readable, "the reading thread is told");
        assert!(flow.stream.read(&mut [0; 1]).is_err());
    }

    #[test]
    fn what_waited_for_a_connection_that_broke_is_let_go() {
        let (flows, flow, _, _browser) = connected();
        flow.stream.shut_down();
        send(&flows, &flow, &DTLS);
        assert!(lock(&flow.sending).waiting.is_empty());
    }

    #[test]
    fn a_connection_that_was_let_go_takes_nothing() {
        let (flows, flow, _, mut browser) = connected();
        flows.remove(&flow);
        assert_eq!(flows.send(flow.path, [&MEDIA[..], &MEDIA[..]].into_iter()), 2);
        assert_eq!(browser.read(&mut [0; 1]).unwrap(), 0);
    }

    #[test]
    fn the_newest_connection_has_the_path() {
        let (flows, flow, _, _browser) = connected();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut browser = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (stream, _) = Stream::adopt(listener.accept().unwrap().0.into_raw_fd()).unwrap();
        let (newer, before) = flows.insert(8, flow.path, stream, Framing::Ice, None).unwrap();
        assert_eq!(before.map(|flow| flow.id), Some(7));
        flows.remove(&flow);
        send(&flows, &newer, b"\x16!");
        let mut buffer = [0; 4];
        browser.read_exact(&mut buffer).unwrap();
        assert_eq!(&buffer, b"\0\x02\x16!");
    }
}
