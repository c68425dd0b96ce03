//! The ICE-lite agent (RFC 8445 sections 2.5 and 6.1.1) without its sockets.
//!
//! Owns the credentials, the addresses that each peer has proved, and which of them is selected. The
//! rules are those of `relay/transport/bindings.py`, and one contract suite holds both to them: a right
//! check proves the address it came from; the first proved address is selected at once, because browsers
//! begin DTLS before they nominate; then it is that of the latest check with USE-CANDIDATE. Anything
//! that is not a right check gets no answer; nor does one that was seen on another path, or that comes from
//! an address whose owner still proves it.

use std::collections::{HashMap, VecDeque};

use aws_lc_rs::hmac;
use rustc_hash::FxHashMap;

use crate::counters::Reason;
use crate::path::Path;
use crate::stun::{Check, integrity_key};
use crate::time::Time;

/// Names a peer; given by Python and never reused.
pub type PeerId = u64;

/// Proved addresses kept per peer. A browser with several networks and TURN shows about eight.
pub const PATHS_PER_PEER: usize = 16;

/// Checks per peer that are known again. Chromium sends one every 2.5 s: those of the last ten minutes.
pub const CHECKS_REMEMBERED: usize = 256;

/// Milliseconds after a check during which its address is nobody else's. Browsers check every 2.5 to 6 s.
pub const PATH_HELD: u64 = 15_000;

/// Milliseconds without a sign of a peer.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Without an authentic check, after which consent has expired (RFC 7675 section 5.1).
    pub consent: u64,
    /// Without anything from its addresses, after which it is quiet.
    pub quiet: u64,
}

/// A check was right and its response was written.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    /// Who sent it.
    pub peer: PeerId,
    /// Whether it changed the selected path.
    pub selected: bool,
    /// Whether the peer had been quiet.
    pub heard_again: bool,
}

struct Credentials {
    peer: PeerId,
    key: hmac::Key,
}

#[derive(Default)]
struct Agent {
    /// Oldest first; two at most.
    ufrags: Vec<Vec<u8>>,
    /// Least recently proved first, with the time of the latest check.
    paths: Vec<(Path, Time)>,
    /// Oldest first: transaction id and path.
    checks: VecDeque<([u8; 12], Path)>,
    selected: Option<Path>,
    checked_at: Time,
    /// When anything came from one of its addresses.
    heard_at: Time,
    quiet: bool,
    /// A check came since the start, or since consent expired.
    consenting: bool,
}

/// Who may talk to us, from where.
pub struct BindingTable {
    patience: Patience,
    credentials: HashMap<Vec<u8>, Credentials>,
    agents: FxHashMap<PeerId, Agent>,
    /// Asked for every packet. Only who proves to sit behind a path adds it, a few of them at most.
    owners: FxHashMap<Path, PeerId>,
}

impl BindingTable {
    /// An empty table.
    pub fn new(patience: Patience) -> Self {
        Self { patience, credentials: HashMap::new(), agents: FxHashMap::default(), owners: FxHashMap::default() }
    }

    /// Accept checks for `ufrag`; a second call for the same peer is an ICE restart.
    pub fn admit(&mut self, peer: PeerId, ufrag: Vec<u8>, password: &[u8]) {
        let agent = self.agents.entry(peer).or_default();
        // Only the newest of the old credentials can be in use: a restart replaces a pending restart.
        for outdated in agent.ufrags.drain(agent.ufrags.len().min(1)..) {
            self.credentials.remove(&outdated);
        }
        agent.ufrags.push(ufrag.clone());
        self.credentials.insert(ufrag, Credentials { peer, key: integrity_key(password) });
    }

    /// Datagrams for the peer stay inside: it is a tap. There are no credentials for it, and no consent to expire.
    pub fn enclose(&mut self, peer: PeerId) {
        self.agents.insert(peer, Agent { selected: Some(Path::inside()), ..Agent::default() });
    }

    /// Forget everything about the peer. Idempotent.
    pub fn release(&mut self, peer: PeerId) {
        let Some(agent) = self.agents.remove(&peer) else { return };
        for ufrag in &agent.ufrags {
            self.credentials.remove(ufrag);
        }
        for (path, _) in &agent.paths {
            self.owners.remove(path);
        }
    }

    /// Judge one datagram that looks like STUN, and append the response to a right check. State changes
    /// only when it is authentic.
    pub fn receive(
        &mut self,
        datagram: &[u8],
        path: Path,
        now: Time,
        response: &mut Vec<u8>,
    ) -> Result<Answered, Reason> {
        let check = Check::parse(datagram).ok_or(Reason::StunMalformed)?;
        let ufrag = check.local_ufrag();
        let credentials = self.credentials.get(ufrag).ok_or(Reason::StunUnknownUfrag)?;
        if !check.is_authentic(&credentials.key) {
            return Err(Reason::StunBadIntegrity);
        }
        let peer = credentials.peer;
        if self.is_held(&path, peer, now) {
            return Err(Reason::StunAddressHeld);
        }
        if !self.agents.get_mut(&peer).is_some_and(|agent| agent.remember(check.transaction, path)) {
            return Err(Reason::StunReplayed);
        }
        check.respond(path.remote, &credentials.key, response);
        let selected = self.prove(peer, ufrag, path, check.use_candidate, now);
        Ok(Answered { peer, selected, heard_again: self.hear(peer, now) })
    }

    /// The peer that proved to sit behind `path`, if any.
    pub fn owner(&self, path: &Path) -> Option<PeerId> {
        self.owners.get(path).copied()
    }

    /// Something came from an address that the peer proved. Whether it had been quiet.
    pub fn hear(&mut self, peer: PeerId, now: Time) -> bool {
        let Some(agent) = self.agents.get_mut(&peer) else { return false };
        agent.heard_at = now;
        std::mem::take(&mut agent.quiet)
    }

    /// Where datagrams for `peer` go, if it has shown an address yet.
    pub fn selected(&self, peer: PeerId) -> Option<Path> {
        self.agents.get(&peer)?.selected
    }

    /// The path is gone: its TCP connection has closed. The peer may come back on another.
    pub fn forget(&mut self, path: &Path) {
        if let Some(peer) = self.owners.remove(path) {
            self.disown(peer, *path);
        }
    }

    /// Peers that fell silent since the last call. A forged source can put that off, at most until consent expires.
    pub fn fall_quiet(&mut self, now: Time) -> Vec<PeerId> {
        let mut quiet = Vec::new();
        for (peer, agent) in &mut self.agents {
            if agent.consenting && !agent.quiet && now.millis_since(agent.heard_at) > self.patience.quiet {
                agent.quiet = true;
                quiet.push(*peer);
            }
        }
        quiet
    }

    /// Peers whose consent expired since the last call. They stay admitted, but have no flow.
    pub fn expire(&mut self, now: Time) -> Vec<PeerId> {
        let mut lost = Vec::new();
        for (peer, agent) in &mut self.agents {
            if agent.consenting && now.millis_since(agent.checked_at) > self.patience.consent {
                for (path, _) in agent.paths.drain(..) {
                    self.owners.remove(&path);
                }
                agent.selected = None;
                agent.consenting = false;
                lost.push(*peer);
            }
        }
        lost
    }

    /// Whether somebody else has shown lately that they sit behind the path.
    fn is_held(&self, path: &Path, peer: PeerId, now: Time) -> bool {
        let Some(owner) = self.owners.get(path).filter(|owner| **owner != peer) else { return false };
        let proved = self.agents.get(owner).and_then(|agent| agent.paths.iter().find(|(known, _)| known == path));
        proved.is_some_and(|(_, at)| now.millis_since(*at) <= PATH_HELD)
    }

    fn prove(&mut self, peer: PeerId, ufrag: &[u8], path: Path, nominates: bool, now: Time) -> bool {
        match self.owners.insert(path, peer) {
            // A NAT gave the address to someone else, and who had it is silent.
            Some(previous) if previous != peer => self.disown(previous, path),
            _ => {}
        }
        let Some(agent) = self.agents.get_mut(&peer) else { return false };
        agent.checked_at = now;
        agent.consenting = true;
        agent.paths.retain(|(known, _)| *known != path);
        agent.paths.push((path, now));
        let before = agent.selected;
        if nominates {
            agent.selected = Some(path);
            // Once a restart's credentials nominate, those before them are void.
            let position = agent.ufrags.iter().position(|known| known == ufrag).unwrap_or(0);
            for outdated in agent.ufrags.drain(..position) {
                self.credentials.remove(&outdated);
            }
        } else if before.is_none() {
            agent.selected = Some(path);
        }
        while agent.paths.len() > PATHS_PER_PEER {
            let Some(oldest) = agent.paths.iter().position(|(known, _)| Some(*known) != agent.selected) else { break };
            self.owners.remove(&agent.paths.remove(oldest).0);
        }
        agent.selected != before
    }

    fn disown(&mut self, peer: PeerId, path: Path) {
        if let Some(agent) = self.agents.get_mut(&peer) {
            agent.paths.retain(|(known, _)| *known != path);
            if agent.selected == Some(path) {
                agent.selected = agent.paths.last().map(|(known, _)| *known);
            }
        }
    }
}

impl Agent {
    /// Remember a check; false if it was seen on another path.
    fn remember(&mut self, transaction: [u8; 12], path: Path) -> bool {
        if let Some((_, seen)) = self.checks.iter().find(|(known, _)| *known == transaction) {
            return *seen == path;
        }
        if self.checks.len() >= CHECKS_REMEMBERED {
            self.checks.pop_front();
        }
        self.checks.push_back((transaction, path));
        true
    }
}
