//! What Python orders. Commands name peers that may have left meanwhile; those are ignored.

use std::net::SocketAddr;
use std::sync::Arc;

use super::Exchange;
use super::peer::{Peer, PeerSetup, Secured};
use crate::counters::PeerCounters;
use crate::ice::bindings::Side;
use crate::ids::{LineId, PeerId, SlotId};
use crate::outbox::Outbox;
use crate::srtp::{Inbound, Keys, Outbound};
use crate::time::Time;
use crate::wire::rtcp;

/// Milliseconds between moves that cost the partner a keyframe, however often somebody nominates.
const BETWEEN_MOVES: u64 = 1_000;

/// One order.
#[allow(missing_docs)] // the fields are named as in relay/transport/port.py and relay/media/engine.py
pub enum Command {
    Admit {
        peer: PeerId,
        local: Side,
        remote: Side,
    },
    SendDtls {
        peer: PeerId,
        datagram: Vec<u8>,
    },
    Release {
        peer: PeerId,
    },
    AdmitTurn {
        username: Vec<u8>,
        key: Vec<u8>,
    },
    ReleaseTurn {
        username: Vec<u8>,
    },
    TellTurnPeers {
        peers: Vec<SocketAddr>,
    },
    Open {
        peer: PeerId,
        setup: PeerSetup,
        counters: Arc<PeerCounters>,
    },
    Secure {
        peer: PeerId,
        receive: Keys,
        send: Keys,
    },
    Route {
        slot: SlotId,
        source: Option<LineId>,
    },
    /// A peer within the process: what goes to it and comes from it is plain.
    OpenTranscoder {
        peer: PeerId,
        setup: PeerSetup,
    },
    /// RTP or RTCP from a transcoder.
    Inject {
        peer: PeerId,
        packet: Vec<u8>,
    },
    Close {
        peer: PeerId,
    },
}

impl Command {
    /// Whom it is about; None where it is about credentials of TURN.
    pub fn peer(&self) -> Option<PeerId> {
        match self {
            Command::AdmitTurn { .. } | Command::ReleaseTurn { .. } | Command::TellTurnPeers { .. } => None,
            Command::Route { slot, .. } => Some(slot.peer),
            Command::Admit { peer, .. }
            | Command::SendDtls { peer, .. }
            | Command::Release { peer }
            | Command::Open { peer, .. }
            | Command::Secure { peer, .. }
            | Command::OpenTranscoder { peer, .. }
            | Command::Inject { peer, .. }
            | Command::Close { peer } => Some(*peer),
        }
    }
}

impl Exchange {
    /// Carry out one order.
    pub fn obey(&mut self, command: Command, now: Time, out: &mut Outbox) {
        match command {
            Command::Admit { peer, local, remote } => self.table.admit(peer, local, remote),
            Command::SendDtls { peer, datagram } => {
                if let Err(unsent) = self.table.send_dtls(peer, datagram, out) {
                    self.drop_for(peer, unsent.into());
                }
            }
            Command::Release { peer } => self.table.release(peer),
            Command::AdmitTurn { username, key } => self.turn.admit(username, &key),
            Command::ReleaseTurn { username } => {
                self.turn.release(&username);
                self.forget_ended(now);
            }
            Command::TellTurnPeers { peers } => self.turn.tell_peers(peers),
            Command::Open { peer, setup, counters } => {
                self.peers.insert(peer, Peer::new(setup, counters, &self.totals.kept));
            }
            Command::Secure { peer, receive, send } => self.secure(peer, &receive, &send, now, out),
            Command::Route { slot, source } => self.route(slot, source, now, out),
            Command::OpenTranscoder { peer, setup } => self.open_transcoder(peer, setup),
            Command::Inject { peer, mut packet } => self.receive_media(peer, &mut packet, now, out),
            Command::Close { peer } => self.close(peer, out),
        }
    }

    fn open_transcoder(&mut self, id: PeerId, setup: PeerSetup) {
        let mut peer = Peer::new(setup, Arc::default(), &self.totals.kept);
        peer.secured = Some(Secured { inbound: Inbound::open(), outbound: Outbound::open() });
        peer.is_transcoder = true;
        self.peers.insert(id, peer);
        self.table.enclose(id);
    }

    fn secure(&mut self, id: PeerId, receive: &Keys, send: &Keys, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        // A second pair for one peer could only be the same keys again: nonces would repeat.
        if peer.secured.is_some() {
            return;
        }
        let (Some(inbound), Some(outbound)) = (Inbound::new(receive), Outbound::new(send)) else { return };
        peer.secured = Some(Secured { inbound, outbound });
        peer.uncap_due = true;
        // Routes may have been made before: anyone who is to be seen has to begin with a keyframe.
        self.begin_all(id, now, out);
    }

    /// The peer goes on by another path. What it sent and what was sent to it by the old one may be lost, and it would
    /// take the browsers seconds to give that up: they get keyframes at once.
    pub(super) fn moved(&mut self, id: PeerId, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.secured.is_some() && now.millis_since(peer.moved_at) >= BETWEEN_MOVES {
            peer.moved_at = now;
            self.begin_all(id, now, out);
        }
    }

    /// Get keyframes of what the peer shows and is shown.
    fn begin_all(&mut self, id: PeerId, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get(&id) else { return };
        let watched = peer.lines.iter().flatten().filter(|line| !line.receivers.is_empty());
        let mut sources: Vec<LineId> = watched.map(|line| LineId { peer: id, medium: line.setup.medium }).collect();
        sources.extend(peer.slots.iter().filter_map(|slot| slot.source));
        for source in sources {
            self.begin(source, now, out);
        }
    }

    fn route(&mut self, slot: SlotId, source: Option<LineId>, now: Time, out: &mut Outbox) {
        let source = source.filter(|source| self.line_mut(*source).is_some());
        let Some(receiver) = self.peers.get_mut(&slot.peer) else { return };
        let Some(shown) = receiver.slots.get_mut(slot.seat, slot.medium) else { return };
        if shown.source == source {
            return;
        }
        let previous = shown.source;
        shown.show(source);
        receiver.downlink.switch();
        if let Some(previous) = previous {
            self.leave(slot, previous);
        }
        if let Some(source) = source {
            if let Some(line) = self.line_mut(source) {
                line.receivers.push(slot);
            }
            self.uncap(source.peer);
            self.begin(source, now, out);
        }
    }

    fn close(&mut self, id: PeerId, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let streams: Vec<u32> = peer.slots.iter().map(|slot| slot.setup.ssrc).collect();
        let shown: Vec<(SlotId, LineId)> =
            peer.slots.iter().filter_map(|slot| Some((slot.setup.id_of(id), slot.source?))).collect();
        let watchers: Vec<SlotId> = peer.lines.iter_mut().flatten().flat_map(|line| line.receivers.drain(..)).collect();
        for (slot, source) in shown {
            self.leave(slot, source);
        }
        for slot in watchers {
            let receiver = self.peers.get_mut(&slot.peer);
            if let Some(slot) = receiver.and_then(|receiver| receiver.slots.get_mut(slot.seat, slot.medium)) {
                slot.show(None);
            }
        }
        self.send_rtcp(id, out, |packets| {
            if let Some(first) = streams.first() {
                rtcp::write_receiver_report(*first, &[], packets);
            }
            rtcp::write_bye(&streams, packets);
            !streams.is_empty()
        });
        self.peers.remove(&id);
    }

    /// `slot` does not show `source` any more.
    fn leave(&mut self, slot: SlotId, source: LineId) {
        if let Some(line) = self.line_mut(source) {
            line.receivers.retain(|receiver| *receiver != slot);
        }
        self.uncap(source.peer);
    }

    /// A slot begins to show `source`: get a keyframe if it needs one.
    fn begin(&mut self, source: LineId, now: Time, out: &mut Outbox) {
        let Some(line) = self.line_mut(source) else { return };
        if source.medium.is_video() && line.keyframes.switched(now) {
            self.request_keyframe(source, out);
        }
    }

    fn uncap(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.uncap_due = true;
        }
    }
}
