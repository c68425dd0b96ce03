//! The exchange: everything the core knows, as one state machine without sockets, threads or clocks.
//!
//! Owns the binding table, the peers, and who is shown to whom. Datagrams and [`Command`]s go in, with
//! the time; datagrams go to the [`Outbox`] and [`Event`]s are left to be taken. A mistake in what a
//! stranger sent ends with that packet.

mod commands;
mod media;
mod mending;
mod peer;
mod rounds;

use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use self::commands::{Command, PeerSetup};
use self::peer::Peer;
use self::rounds::Rounds;
use crate::bindings::{BindingTable, Patience, PeerId};
use crate::counters::{Reason, Totals};
use crate::dtls;
use crate::forward::line::End;
use crate::outbox::Outbox;
use crate::path::Path;
use crate::time::{NtpClock, Time};

/// What Python is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Datagrams for the peer go to this path from now on.
    FlowSelected(PeerId, Path),
    /// Nothing has come from the peer for a while.
    FlowQuiet(PeerId),
    /// The peer, which was quiet, is heard again.
    FlowHeard(PeerId),
    /// The peer's consent expired.
    FlowLost(PeerId),
    /// A DTLS datagram from an address that the peer proved.
    Dtls(PeerId, Vec<u8>),
    /// The slot's browser can't decode what it would be shown. Again every second while that lasts.
    NoCommonCodec(End),
}

/// See the module.
pub struct Exchange {
    table: BindingTable,
    peers: FxHashMap<PeerId, Peer>,
    totals: Arc<Totals>,
    ntp: NtpClock,
    rounds: Rounds,
    /// Peers of whose lines something is missing, or to whom something is sent once more soon; each knows whether it
    /// is in here.
    mending: Vec<PeerId>,
    events: Vec<Event>,
}

impl Exchange {
    /// An empty exchange that counts into `totals`.
    pub fn new(totals: Arc<Totals>, ntp: NtpClock, patience: Patience) -> Self {
        Self {
            table: BindingTable::new(patience),
            peers: FxHashMap::default(),
            totals,
            ntp,
            rounds: Rounds::default(),
            mending: Vec::new(),
            events: Vec::new(),
        }
    }

    /// What happened since the last call; bounded by what one batch leads to.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Take one datagram. Protocols are told apart by the first byte (RFC 7983 section 7).
    pub fn receive(&mut self, datagram: &mut [u8], path: Path, now: Time, out: &mut Outbox) {
        match datagram.first() {
            Some(0..=3) => self.receive_stun(datagram, path, now, out),
            Some(20..=63) => {
                if let Some(peer) = self.owner(&path, datagram.len(), now) {
                    self.receive_dtls(peer, datagram, now);
                }
            }
            Some(128..=191) => {
                if let Some(peer) = self.owner(&path, datagram.len(), now) {
                    self.totals.received.count(datagram.len());
                    self.receive_media(peer, datagram, now, out);
                }
            }
            Some(_) => self.totals.drops.count(Reason::UnknownProtocol),
            None => self.totals.drops.count(Reason::Empty),
        }
    }

    /// Whether somebody has proved to sit behind the path.
    pub fn is_owned(&self, path: &Path) -> bool {
        self.table.owner(path).is_some()
    }

    /// The path is gone: its TCP connection has closed.
    pub fn forget(&mut self, path: &Path, now: Time) {
        if let Some((peer, path)) = self.table.forget(path, now) {
            self.events.push(Event::FlowSelected(peer, path));
        }
    }

    /// Who proved to sit behind the path, and is heard by it now.
    fn owner(&mut self, path: &Path, bytes: usize, now: Time) -> Option<PeerId> {
        let owner = self.table.owner(path);
        match owner {
            Some(peer) if self.table.hear(peer, path, bytes, now) => self.events.push(Event::FlowHeard(peer)),
            Some(_) => {}
            None => self.totals.drops.count(Reason::UnverifiedSource),
        }
        owner
    }

    fn receive_dtls(&mut self, id: PeerId, datagram: &[u8], now: Time) {
        if !dtls::is_sensible(datagram) {
            self.drop_for(id, Reason::DtlsRefused);
        } else if self.peers.get_mut(&id).is_some_and(|peer| !peer.dtls_allowance.take(now)) {
            self.drop_for(id, Reason::DtlsBacklog);
        } else {
            self.events.push(Event::Dtls(id, datagram.to_vec()));
        }
    }

    fn receive_stun(&mut self, datagram: &[u8], path: Path, now: Time, out: &mut Outbox) {
        match self.table.receive(datagram, path, now, out) {
            Ok(taken) => {
                if taken.heard_again {
                    self.events.push(Event::FlowHeard(taken.peer));
                }
                if let Some(path) = taken.moved {
                    self.events.push(Event::FlowSelected(taken.peer, path));
                    self.moved(taken.peer, now, out);
                }
            }
            Err(reason) => self.totals.drops.count(reason),
        }
    }
}

#[cfg(test)]
mod lossy_tests;
#[cfg(test)]
mod mending_tests;
#[cfg(test)]
mod return_path_tests;
#[cfg(test)]
mod tap_tests;
#[cfg(test)]
mod tests;
