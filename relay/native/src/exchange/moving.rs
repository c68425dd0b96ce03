//! Peers on their way from one exchange to another: by value, with keys, replay windows, and all that they proved.

use super::Exchange;
use super::peer::Peer;
use crate::ice::bindings;
use crate::ids::PeerId;

/// One peer, taken out of an exchange. There is nothing of it in there any more.
pub struct Mover {
    id: PeerId,
    proved: Option<bindings::Mover>,
    media: Option<Box<Peer>>,
}

impl Exchange {
    /// Whether anything is known of the peer.
    pub fn knows(&self, peer: PeerId) -> bool {
        self.table.knows(peer) || self.peers.contains_key(&peer)
    }

    /// Everybody who is shown the peer or whom it is shown, and everybody of them; itself first.
    pub fn company_of(&self, peer: PeerId) -> Vec<PeerId> {
        let mut company = vec![peer];
        let mut at = 0;
        while let Some(id) = company.get(at) {
            at += 1;
            let Some(peer) = self.peers.get(id) else { continue };
            let shown = peer.slots.iter().filter_map(|slot| Some(slot.source?.peer));
            let watching = peer.lines.iter().flatten().flat_map(|line| &line.receivers).map(|slot| slot.peer);
            for other in shown.chain(watching) {
                if !company.contains(&other) {
                    company.push(other);
                }
            }
        }
        company
    }

    /// Let peers go. Only all of a company, as nobody is shown to another exchange.
    pub fn take_out(&mut self, peers: &[PeerId]) -> Vec<Mover> {
        self.recovering.retain(|id| !peers.contains(id));
        let take = |id: &PeerId| Mover {
            id: *id,
            proved: self.table.take_out(*id),
            media: self.peers.remove(id).map(Box::new),
        };
        peers.iter().map(take).collect()
    }

    /// Have peers that were in another exchange.
    pub fn take_in(&mut self, movers: Vec<Mover>) {
        for Mover { id, proved, media } in movers {
            if let Some(proved) = proved {
                self.table.take_in(proved);
            }
            if let Some(media) = media {
                if media.is_recovering {
                    self.recovering.push(id);
                }
                self.peers.insert(id, *media);
            }
        }
    }
}
