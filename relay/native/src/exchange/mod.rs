//! The exchange: everything the core knows, as one state machine without sockets, threads or clocks.
//!
//! Owns the binding table, the peers, and who is shown to whom. Datagrams and [`Command`]s go in, with
//! the time; datagrams go to the [`Outbox`] and [`Event`]s are left to be taken. A mistake in what a
//! stranger sent ends with that packet.
//!
//! There may be several that share the peers ([`Exchange::among_others`]): those who are shown to each other are in one,
//! and move from one to another for that (`moving.rs`). None knows of the others.

mod commands;
mod media;
mod moving;
mod peer;
mod recovery;
mod rounds;
mod slots;

use std::sync::Arc;

use rustc_hash::FxHashMap;

pub use self::commands::Command;
pub use self::moving::Mover;
use self::peer::Peer;
pub use self::peer::PeerSetup;
use self::rounds::Rounds;
use crate::counters::{Reason, Totals};
pub use crate::ice::bindings::Touched;
use crate::ice::bindings::{BindingTable, Patience};
use crate::ids::{PeerId, SlotId};
use crate::outbox::Outbox;
use crate::path::{Path, Transport};
use crate::time::{NtpClock, Time};
use crate::turn::{Carried, Client, Routes, TurnServer};
use crate::wire::dtls;
use crate::wire::turn::Method;

/// What Python is told.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Datagrams for the peer go to this path from now on.
    FlowSelected(PeerId, Path),
    /// Nothing has come from the peer for a while.
    FlowSilent(PeerId),
    /// Something has come from the silent peer.
    FlowResumed(PeerId),
    /// The peer's consent expired.
    FlowLost(PeerId),
    /// A DTLS datagram from an address that the peer proved.
    Dtls(PeerId, Vec<u8>),
    /// The slot's browser can't decode what it would be shown. Again every second while that lasts.
    NoCommonCodec(SlotId),
}

/// See the module.
pub struct Exchange {
    table: BindingTable,
    turn: TurnServer,
    peers: FxHashMap<PeerId, Peer>,
    totals: Arc<Totals>,
    ntp: NtpClock,
    rounds: Rounds,
    /// Peers of whose lines something is missing, or to whom something is sent once more soon; each knows whether it
    /// is in here.
    recovering: Vec<PeerId>,
    events: Vec<Event>,
    /// Whether there are others, in one of which the path of an allocation may be.
    among_others: bool,
    /// Such paths, of allocations that have ended.
    ended: Vec<Path>,
}

impl Exchange {
    /// An empty exchange that counts into `totals`, and says in `routes` where relayed addresses lead.
    pub fn new(totals: Arc<Totals>, ntp: NtpClock, patience: Patience, routes: Arc<Routes>) -> Self {
        Self {
            table: BindingTable::new(patience),
            turn: TurnServer::new(routes, Arc::clone(&totals)),
            peers: FxHashMap::default(),
            totals,
            ntp,
            rounds: Rounds::default(),
            recovering: Vec::new(),
            events: Vec::new(),
            among_others: false,
            ended: Vec::new(),
        }
    }

    /// One of several: what comes to it and leaves it is remembered for [`Self::take_touched`], and the paths of
    /// allocations that have ended for [`Self::take_ended`].
    pub fn among_others(mut self) -> Self {
        self.table.trace();
        self.among_others = true;
        self
    }

    /// Paths and user names that came or went since the last call.
    pub fn take_touched(&mut self) -> Touched {
        self.table.take_touched()
    }

    /// Paths of allocations that have ended since the last call, wherever they are known.
    pub fn take_ended(&mut self) -> Vec<Path> {
        std::mem::take(&mut self.ended)
    }

    /// What happened since the last call; bounded by what one batch leads to.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// Take one datagram. Protocols are told apart by the first byte (RFC 7983 section 7).
    pub fn receive(&mut self, datagram: &mut [u8], path: Path, now: Time, out: &mut Outbox) {
        if let Some(client) = client_of(datagram, path) {
            self.receive_turn(datagram, client, now, out);
            return;
        }
        match datagram.first() {
            Some(0..=3) => self.receive_stun(datagram, path, false, now, out),
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

    /// Take one message of TURN, and what it carries. False if it was refused.
    pub fn receive_turn(&mut self, message: &mut [u8], client: Client, now: Time, out: &mut Outbox) -> bool {
        let Ok(carried) = self.unwrap_turn(message, client, now, out) else { return false };
        if let Some((path, data)) = carried {
            self.receive(&mut message[data], path, now, out);
        }
        true
    }

    /// The same without taking what it carries.
    pub fn unwrap_turn(
        &mut self,
        message: &[u8],
        client: Client,
        now: Time,
        out: &mut Outbox,
    ) -> Result<Option<Carried>, Reason> {
        let received = self.turn.receive(message, client, now, out);
        self.forget_ended(now);
        received.inspect_err(|reason| self.totals.drops.count(*reason))
    }

    /// Take a check of somebody here that came by a path which somebody in `other` has proved.
    pub fn receive_across(&mut self, other: &mut Self, datagram: &[u8], path: Path, now: Time, out: &mut Outbox) {
        let held = other.table.holds(&path, now);
        self.receive_stun(datagram, path, held, now, out);
        if self.is_owned(&path) {
            // A NAT gave the address to someone else, and who had it is silent.
            other.table.forget(&path, now);
        }
    }

    /// Whether the client of TURN has an allocation.
    pub fn has_allocation(&self, client: &Path) -> bool {
        self.turn.has_allocation(client)
    }

    /// The client of TURN is gone: its TCP connection has closed.
    pub fn forget_client(&mut self, client: &Path, now: Time) {
        self.turn.end(client);
        self.forget_ended(now);
    }

    /// Let go of the paths of allocations that have ended.
    fn forget_ended(&mut self, now: Time) {
        for path in self.turn.take_ended() {
            if self.among_others {
                self.ended.push(path);
            } else {
                self.forget(&path, now);
            }
        }
    }

    /// End allocations that nobody refreshed.
    pub fn expire_turn(&mut self, now: Time) {
        self.turn.expire(now);
        self.forget_ended(now);
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

    /// Who proved to sit behind the path. Something comes from there now.
    fn owner(&mut self, path: &Path, bytes: usize, now: Time) -> Option<PeerId> {
        let owner = self.table.owner(path);
        match owner {
            Some(peer) if self.table.note_arrival(peer, path, bytes, now) => self.events.push(Event::FlowResumed(peer)),
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

    /// `held`: by somebody in another exchange.
    fn receive_stun(&mut self, datagram: &[u8], path: Path, held: bool, now: Time, out: &mut Outbox) {
        match self.table.receive_where(held, datagram, path, now, out) {
            Ok(taken) => {
                if taken.resumed {
                    self.events.push(Event::FlowResumed(taken.peer));
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

/// Who sent a datagram that is a message of TURN over UDP.
pub fn client_of(datagram: &[u8], path: Path) -> Option<Client> {
    let is_turn = match datagram.first() {
        Some(0..=3) => Method::begins(datagram),
        Some(64..=79) => true,
        _ => false,
    };
    (is_turn && path.transport == Transport::Udp).then_some(Client { path, carrier: Transport::TurnUdp })
}

#[cfg(test)]
pub(crate) mod tests;
