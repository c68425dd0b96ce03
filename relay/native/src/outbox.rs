//! Datagrams on their way out, gathered in one buffer until the batch is sent.

use crate::counters::Reason;
use crate::ids::PeerId;
use crate::path::Path;

/// One datagram: where it lies in the buffer, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Outgoing {
    /// For whom; datagrams for one peer keep their order.
    pub peer: PeerId,
    /// How it travels.
    pub path: Path,
    start: usize,
    end: usize,
}

/// Why a datagram for a peer was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// It has shown no address yet, or none lately.
    NoPath,
    /// More would go to its address than is allowed before it is validated.
    Withheld,
}

impl From<Unsent> for Reason {
    fn from(unsent: Unsent) -> Self {
        match unsent {
            Unsent::NoPath => Self::SendFailed,
            Unsent::Withheld => Self::PathUnvalidated,
        }
    }
}

impl From<Unsent> for () {
    fn from(_: Unsent) {}
}

/// Emptied after each batch, so its size is bounded by what one batch leads to.
#[derive(Debug, Default)]
pub struct Outbox {
    bytes: Vec<u8>,
    items: Vec<Outgoing>,
    /// For transcoders.
    inside: Vec<(PeerId, Vec<u8>)>,
}

impl Outbox {
    /// Let `write` append one datagram. What it wrote is taken back if it gives an error.
    pub fn push<T, E>(
        &mut self,
        peer: PeerId,
        path: Path,
        write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<T, E> {
        let start = self.bytes.len();
        let written = write(&mut self.bytes);
        if written.is_ok() && !path.leaves() {
            self.inside.push((peer, self.bytes.split_off(start)));
        } else if written.is_ok() {
            self.items.push(Outgoing { peer, path, start, end: self.bytes.len() });
        } else {
            self.bytes.truncate(start);
        }
        written
    }

    /// Let `write` append one datagram that goes out by the path that `choose` gives for its length.
    pub fn push_where<T, E: From<Unsent>>(
        &mut self,
        peer: PeerId,
        write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
        choose: impl FnOnce(usize) -> Result<Path, Unsent>,
    ) -> Result<T, E> {
        let start = self.bytes.len();
        let bytes = &mut self.bytes;
        let written = write(bytes).and_then(|value| Ok((value, choose(bytes.len() - start)?)));
        match written {
            Ok((value, path)) => {
                self.items.push(Outgoing { peer, path, start, end: self.bytes.len() });
                Ok(value)
            }
            Err(why) => {
                self.bytes.truncate(start);
                Err(why)
            }
        }
    }

    /// What is for transcoders, in the order of its making.
    pub fn take_inside(&mut self) -> Vec<(PeerId, Vec<u8>)> {
        std::mem::take(&mut self.inside)
    }

    /// Everything, grouped by peer, in the order of its making.
    pub fn sorted(&mut self) -> &[Outgoing] {
        self.items.sort_by_key(|item| item.peer);
        &self.items
    }

    /// The datagrams, as last sorted.
    pub fn items(&self) -> &[Outgoing] {
        &self.items
    }

    /// The bytes of one datagram.
    pub fn bytes(&self, item: &Outgoing) -> &[u8] {
        &self.bytes[item.start..item.end]
    }

    /// Forget everything.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(outbox: &mut Outbox, peer: PeerId, path: Path, written: Result<&[u8], ()>) {
        let pushed = outbox.push(peer, path, |bytes| {
            // Also what fails has written something by then.
            bytes.extend_from_slice(written.unwrap_or(b"in vain"));
            written
        });
        assert_eq!(pushed, written);
    }

    #[test]
    fn datagrams_of_one_peer_keep_their_order_and_what_failed_takes_no_room() {
        let mut outbox = Outbox::default();
        let path = Path::udp(([192, 0, 2, 1], 4_000).into(), [198, 51, 100, 1].into());
        for round in 0..50_u8 {
            for peer in [2, 1] {
                push(&mut outbox, peer, path, Ok(&[round]));
                push(&mut outbox, peer, path, Err(()));
                push(&mut outbox, peer, Path::inside(), Ok(&[100 + round]));
            }
        }
        assert_eq!(outbox.bytes.len(), 100);
        let sorted = outbox.sorted().to_vec();
        let sent: Vec<(PeerId, u8)> = sorted.iter().map(|item| (item.peer, outbox.bytes(item)[0])).collect();
        assert_eq!(
            sent,
            [1, 2].map(|peer| (0..50).map(move |round| (peer, round))).into_iter().flatten().collect::<Vec<_>>()
        );
        assert_eq!(outbox.take_inside()[..3], [(2, vec![100]), (1, vec![100]), (2, vec![101])]);
        outbox.clear();
        assert!(outbox.items().is_empty() && outbox.bytes.is_empty() && outbox.take_inside().is_empty());
    }

    #[test]
    fn what_may_go_nowhere_takes_no_room() {
        let mut outbox = Outbox::default();
        let path = Path::udp(([192, 0, 2, 1], 4_000).into(), [198, 51, 100, 1].into());
        for most in [3, 4] {
            let write = |bytes: &mut Vec<u8>| -> Result<(), Unsent> {
                bytes.extend_from_slice(b"four");
                Ok(())
            };
            let sent =
                outbox.push_where(1, write, |length| if length <= most { Ok(path) } else { Err(Unsent::Withheld) });
            assert_eq!(sent, if most == 4 { Ok(()) } else { Err(Unsent::Withheld) });
        }
        assert_eq!((outbox.items().len(), outbox.bytes.len()), (1, 4));
    }
}
