//! The ICE-lite agent (RFC 8445 sections 2.5 and 6.1.1) without its sockets.
//!
//! Owns the credentials, the addresses that each peer has shown, which of them is selected, and where datagrams go. The
//! rules are those of `relay/transport/bindings.py`, and one contract suite holds both to them: a right
//! check proves the address it came from; the first proved address is selected at once, because browsers
//! begin DTLS before they nominate; then it is that of the latest check with USE-CANDIDATE. Anything
//! that is not a right check gets no answer; nor does one that was seen on another path, that comes from an address
//! whose owner still proves it, or of a peer that checks too often.
//!
//! Who is at an address may not be who sent from it. So we ask back there ([`KnownPath`]): a path that is not validated
//! gets less than three times what came from it, and the rest goes on to the path before it. Only answers renew consent (`docs/decisions/0015-the-return-path.md`).

use std::hash::RandomState;

use aws_lc_rs::hmac;
use rustc_hash::{FxBuildHasher, FxHashMap};

use super::agent::{Agent, Check};
use super::path_validation::KnownPath;
use super::traced::Traced;
use crate::counters::Reason;
use crate::ids::PeerId;
use crate::outbox::{Outbox, Unsent};
use crate::path::Path;
use crate::time::Time;
use crate::wire::stun::{Message, integrity_key, write_check};

/// Milliseconds after a check during which its address is nobody else's. Browsers check every 2.5 to 6 s.
pub const PATH_HELD: u64 = 15_000;

/// Milliseconds without a sign of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Without an authentic check or an answer to ours, after which consent has expired (RFC 7675 section 5.1).
    pub consent: u64,
    /// Without anything from its addresses, after which it is silent.
    pub silence: u64,
}

/// Who signs what with what: ours in checks that come, theirs in checks that we send.
pub struct Side {
    /// The user name's part.
    pub ufrag: Vec<u8>,
    /// Of MESSAGE-INTEGRITY.
    pub password: Vec<u8>,
}

/// A STUN message was right.
#[derive(Debug, PartialEq, Eq)]
pub struct Taken {
    /// Who sent it.
    pub peer: PeerId,
    /// Where its datagrams go from now on, if that has changed.
    pub moved: Option<Path>,
    /// Whether the peer had been silent.
    pub resumed: bool,
}

struct Credentials {
    peer: PeerId,
    key: hmac::Key,
    remote_ufrag: Vec<u8>,
    remote_key: hmac::Key,
}

/// Who may talk to us, from where.
pub struct BindingTable {
    patience: Patience,
    credentials: Admitted,
    agents: FxHashMap<PeerId, Agent>,
    /// Asked for every packet. Only who proves to sit behind a path adds it, a few of them at most.
    owners: Traced<Path, PeerId, FxBuildHasher>,
}

/// By our user name's part.
type Admitted = Traced<Vec<u8>, Credentials, RandomState>;

/// Paths and parts of user names that came to a table or left it, and whether each is in it now.
#[derive(Debug, Default)]
#[allow(missing_docs)] // the names say it
pub struct Touched {
    pub paths: Vec<(Path, bool)>,
    pub ufrags: Vec<(Vec<u8>, bool)>,
}

/// A peer on its way from one table to another, with all that it proved.
pub struct Mover {
    peer: PeerId,
    agent: Agent,
    credentials: Vec<(Vec<u8>, Credentials)>,
}

impl BindingTable {
    /// An empty table.
    pub fn new(patience: Patience) -> Self {
        Self { patience, credentials: Traced::default(), agents: FxHashMap::default(), owners: Traced::default() }
    }

    /// Remember from now on what [`Self::take_touched`] gives.
    pub fn trace(&mut self) {
        self.credentials.trace();
        self.owners.trace();
    }

    /// What came or went since the last time.
    pub fn take_touched(&mut self) -> Touched {
        Touched { paths: self.owners.take_touched(), ufrags: self.credentials.take_touched() }
    }

    /// Whether the peer is admitted.
    pub fn knows(&self, peer: PeerId) -> bool {
        self.agents.contains_key(&peer)
    }

    /// Let a peer go to another table.
    pub fn take_out(&mut self, peer: PeerId) -> Option<Mover> {
        let agent = self.agents.remove(&peer)?;
        let known = |ufrag: &Vec<u8>| Some((ufrag.clone(), self.credentials.remove(ufrag)?));
        let credentials = agent.ufrags.iter().filter_map(known).collect();
        for known in &agent.paths {
            self.owners.remove(&known.path);
        }
        Some(Mover { peer, agent, credentials })
    }

    /// Have a peer that was in another table.
    pub fn take_in(&mut self, mover: Mover) {
        let Mover { peer, agent, credentials } = mover;
        for known in &agent.paths {
            self.owners.insert(known.path, peer);
        }
        for (ufrag, credentials) in credentials {
            self.credentials.insert(ufrag, credentials);
        }
        self.agents.insert(peer, agent);
    }

    /// Whether nobody is admitted.
    pub fn is_empty(&self) -> bool {
        self.agents.is_empty()
    }

    /// Accept checks for the local side's ufrag; a second call for the same peer is an ICE restart.
    pub fn admit(&mut self, peer: PeerId, local: Side, remote: Side) {
        let agent = self.agents.entry(peer).or_default();
        // Only the newest of the old credentials can be in use: a restart replaces a pending restart.
        for outdated in agent.ufrags.drain(agent.ufrags.len().min(1)..) {
            self.credentials.remove(&outdated);
        }
        agent.ufrags.push(local.ufrag.clone());
        let credentials = Credentials {
            peer,
            key: integrity_key(&local.password),
            remote_ufrag: remote.ufrag,
            remote_key: integrity_key(&remote.password),
        };
        self.credentials.insert(local.ufrag, credentials);
    }

    /// Datagrams for the peer stay inside: it is a transcoder. There are no credentials for it, and no consent to expire.
    pub fn enclose(&mut self, peer: PeerId) {
        self.agents.insert(peer, Agent::inside());
    }

    /// Forget everything about the peer. Idempotent.
    pub fn release(&mut self, peer: PeerId) {
        let Some(agent) = self.agents.remove(&peer) else { return };
        for ufrag in &agent.ufrags {
            self.credentials.remove(ufrag);
        }
        for known in &agent.paths {
            self.owners.remove(&known.path);
        }
    }

    /// Judge one datagram that looks like STUN, answer a right check, and ask back. State changes only when it is
    /// authentic.
    pub fn receive(&mut self, datagram: &[u8], path: Path, now: Time, out: &mut Outbox) -> Result<Taken, Reason> {
        self.receive_where(false, datagram, path, now, out)
    }

    /// The same. `held`: somebody of another table [`Self::holds`] the path.
    pub fn receive_where(
        &mut self,
        held: bool,
        datagram: &[u8],
        path: Path,
        now: Time,
        out: &mut Outbox,
    ) -> Result<Taken, Reason> {
        let message = Message::parse(datagram).ok_or(Reason::StunMalformed)?;
        if message.is_answer {
            return self.receive_answer(&message, path, now, out);
        }
        let ufrag = message.local_ufrag();
        let credentials = self.credentials.get(ufrag).ok_or(Reason::StunUnknownUfrag)?;
        let peer = credentials.peer;
        if self.agents.get(&peer).is_some_and(|agent| agent.is_flooding(now)) {
            return Err(Reason::Flooded);
        }
        if !message.is_authentic(&credentials.key) {
            return Err(Reason::StunBadIntegrity);
        }
        if held || self.owner(&path).is_some_and(|owner| owner != peer) && self.holds(&path, now) {
            return Err(Reason::StunAddressHeld);
        }
        let agent = self.agents.get_mut(&peer).ok_or(Reason::StunUnknownUfrag)?;
        let moved = match agent.take_check(message.transaction, path, now)? {
            Check::New => self.prove(&message, peer, path, datagram.len(), now),
            Check::Again => {
                let known = agent.paths.iter_mut().find(|known| known.path == path);
                known.ok_or(Reason::StunReplayed)?.note_arrival(datagram.len());
                None
            }
        };
        let Some(credentials) = self.credentials.get(ufrag) else { return Err(Reason::StunUnknownUfrag) };
        if let Some(agent) = self.agents.get_mut(&peer) {
            let sent: Result<(), Reason> = agent.send_to(path, peer, out, |response| {
                message.respond(path.remote, &credentials.key, response);
                Ok(())
            });
            debug_assert_eq!(sent, Ok(()), "a response is smaller than three checks");
        }
        self.ask(peer, now, out);
        Ok(Taken { peer, moved, resumed: self.note_arrival(peer, &path, 0, now) })
    }

    /// The peer that proved to sit behind `path`, if any.
    pub fn owner(&self, path: &Path) -> Option<PeerId> {
        self.owners.get(path).copied()
    }

    /// So many bytes came from an address that the peer proved. Whether it had been silent.
    pub fn note_arrival(&mut self, peer: PeerId, path: &Path, bytes: usize, now: Time) -> bool {
        let Some(agent) = self.agents.get_mut(&peer) else { return false };
        agent.last_arrival = now;
        if agent.is_limited {
            if let Some(known) = agent.paths.iter_mut().find(|known| known.path == *path) {
                known.note_arrival(bytes);
            }
        }
        std::mem::take(&mut agent.silent)
    }

    /// Have `write` append a datagram for the peer, if one may be sent there.
    pub fn send<T, E: From<Unsent>>(
        &mut self,
        peer: PeerId,
        out: &mut Outbox,
        write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.agents.get_mut(&peer).ok_or(Unsent::NoPath)?.send(peer, out, write)
    }

    /// Send a DTLS datagram where the peer's datagrams go, at once or with the answer to our question.
    pub fn send_dtls(&mut self, peer: PeerId, datagram: Vec<u8>, out: &mut Outbox) -> Result<(), Unsent> {
        self.agents.get_mut(&peer).ok_or(Unsent::NoPath)?.send_dtls(peer, datagram, out)
    }

    /// Where datagrams for the peer go.
    #[cfg(test)]
    pub(crate) fn flow(&self, peer: PeerId) -> Option<Path> {
        self.agents.get(&peer)?.selected
    }

    /// The path is gone: its TCP connection has closed. The peer may come back on another. Gives who had it, and where
    /// its datagrams go instead, if they went there.
    pub fn forget(&mut self, path: &Path, now: Time) -> Option<(PeerId, Path)> {
        let peer = self.owners.remove(path)?;
        Some((peer, self.disown(peer, *path, now)?))
    }

    /// Ask those of a group of peers who are due.
    pub fn ask_back(&mut self, groups: u64, group: u64, now: Time, out: &mut Outbox) {
        let peers: Vec<PeerId> = self.agents.keys().copied().filter(|peer| peer % groups == group).collect();
        for peer in peers {
            if let Some(agent) = self.agents.get_mut(&peer) {
                agent.settle(self.patience.consent, now);
            }
            self.ask(peer, now, out);
        }
    }

    /// Peers that fell silent since the last call. A forged source can put that off, at most until consent expires.
    pub fn fall_silent(&mut self, now: Time) -> Vec<PeerId> {
        let mut silent = Vec::new();
        for (peer, agent) in &mut self.agents {
            if agent.consenting && !agent.silent && now.millis_since(agent.last_arrival) > self.patience.silence {
                agent.silent = true;
                silent.push(*peer);
            }
        }
        silent
    }

    /// Peers whose consent expired since the last call. They stay admitted, but have no flow.
    pub fn expire(&mut self, now: Time) -> Vec<PeerId> {
        let mut lost = Vec::new();
        for (peer, agent) in &mut self.agents {
            if agent.consenting && now.millis_since(agent.consented_at) > self.patience.consent {
                for known in agent.paths.drain(..) {
                    self.owners.remove(&known.path);
                }
                agent.select(None);
                agent.consenting = false;
                lost.push(*peer);
            }
        }
        lost
    }

    /// Whether somebody has shown lately that they sit behind the path.
    pub fn holds(&self, path: &Path, now: Time) -> bool {
        let known = self.owners.get(path).and_then(|owner| self.agents.get(owner)?.known(path));
        known.is_some_and(|known| now.millis_since(known.checked_at) <= PATH_HELD)
    }

    /// A right check came by the path. Gives where datagrams go, if that has changed.
    fn prove(&mut self, check: &Message<'_>, peer: PeerId, path: Path, bytes: usize, now: Time) -> Option<Path> {
        match self.owners.insert(path, peer) {
            // A NAT gave the address to someone else, and who had it is silent.
            Some(previous) if previous != peer => {
                self.disown(previous, path, now);
            }
            _ => {}
        }
        let ufrag = check.local_ufrag();
        let ufrags = (ufrag, check.remote_ufrag());
        let agent = self.agents.get_mut(&peer)?;
        let before = agent.selected;
        let mut known = match agent.paths.iter().position(|known| known.path == path) {
            Some(at) => agent.paths.remove(at),
            None => KnownPath::new(path, ufrags, now),
        };
        known.checked(ufrags, bytes, now);
        agent.paths.push(known);
        // The first check gives time to be asked. From then on answers alone renew consent, and over TCP its handshake
        // has answered for good.
        if !agent.consenting || path.transport.is_stream() {
            (agent.consented_at, agent.consenting) = (now, true);
        }
        if check.use_candidate {
            agent.select(Some(path));
            // Once a restart's credentials nominate, those before them are void.
            let position = agent.ufrags.iter().position(|known| known == ufrag).unwrap_or(0);
            for outdated in agent.ufrags.drain(..position) {
                self.credentials.remove(&outdated);
            }
        } else if agent.selected.is_none() {
            agent.select(Some(path));
        }
        agent.settle(self.patience.consent, now);
        while let Some(oldest) = agent.superfluous() {
            self.owners.remove(&agent.paths.remove(oldest).path);
        }
        agent.selected.filter(|_| agent.selected != before)
    }

    /// Somebody received a check of ours, if this answers one.
    fn receive_answer(
        &mut self,
        answer: &Message<'_>,
        path: Path,
        now: Time,
        out: &mut Outbox,
    ) -> Result<Taken, Reason> {
        let peer = self.owner(&path).ok_or(Reason::StunUnasked)?;
        let agent = self.agents.get_mut(&peer).ok_or(Reason::StunUnasked)?;
        let at = agent.paths.iter().position(|known| known.path == path).ok_or(Reason::StunUnasked)?;
        let credentials = of_browser(&self.credentials, agent, &agent.paths[at]).ok_or(Reason::StunUnasked)?;
        let known = &mut agent.paths[at];
        if !known.awaits(answer.transaction, now) {
            return Err(Reason::StunUnasked);
        }
        if !answer.is_authentic(&credentials.remote_key) {
            return Err(Reason::StunBadIntegrity);
        }
        known.answered(now);
        agent.consented_at = now;
        agent.settle(self.patience.consent, now);
        agent.send_withheld(peer, out);
        Ok(Taken { peer, moved: None, resumed: self.note_arrival(peer, &path, 0, now) })
    }

    /// Ask where the peer's datagrams go, if it is time to.
    fn ask(&mut self, peer: PeerId, now: Time, out: &mut Outbox) {
        let Some(agent) = self.agents.get_mut(&peer) else { return };
        for path in [agent.selected, agent.spare].into_iter().flatten() {
            let Some(at) = agent.paths.iter().position(|known| known.path == path) else { continue };
            let found = of_browser(&self.credentials, agent, &agent.paths[at]);
            let Some(Credentials { remote_ufrag, remote_key, .. }) = found else { continue };
            let Some(transaction) = agent.paths[at].ask(now) else { continue };
            let ufrag = agent.paths[at].ufrags.0.clone();
            // What is withheld is asked again soon: more will have come by then.
            let _: Result<(), Reason> = agent.send_to(path, peer, out, |question| {
                write_check(transaction, remote_ufrag, &ufrag, remote_key, question);
                Ok(())
            });
        }
    }

    fn disown(&mut self, peer: PeerId, path: Path, now: Time) -> Option<Path> {
        let consent = self.patience.consent;
        let agent = self.agents.get_mut(&peer)?;
        agent.paths.retain(|known| known.path != path);
        agent.settle(consent, now);
        if agent.selected != Some(path) {
            return None;
        }
        let valid = agent.paths.iter().rev().find(|known| known.was_valid());
        agent.select(valid.or(agent.paths.last()).map(|known| known.path));
        agent.settle(consent, now);
        agent.selected
    }
}

/// The credentials with which a browser takes a question by the path. While it restarts ICE it may check already with
/// its new ones, and still with our old ones.
fn of_browser<'a>(credentials: &'a Admitted, agent: &Agent, known: &KnownPath) -> Option<&'a Credentials> {
    let mut admitted = agent.ufrags.iter().filter_map(|ufrag| credentials.get(ufrag));
    admitted.find(|found| found.remote_ufrag == known.ufrags.1).or_else(|| credentials.get(&known.ufrags.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_restarts_two_credentials_are_kept_and_none_of_who_is_released() {
        let mut table = BindingTable::new(Patience { consent: 30_000, silence: 7_000 });
        let side = |ufrag: &str| Side { ufrag: ufrag.into(), password: b"pppppppppppppppppppppp".to_vec() };
        for restart in 0..5 {
            table.admit(1, side(&format!("ufrag{restart}")), side("them"));
            assert!(table.credentials.len() <= 2);
        }
        table.release(1);
        assert!(table.is_empty() && table.credentials.len() == 0);
    }
}
