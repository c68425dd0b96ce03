//! What we know of one peer's addresses: which were shown, which is selected, and where datagrams go.
//!
//! They go to the selected path, within its limit until it is validated. What is beyond that goes to the path before it
//! as long as that is validated, and nowhere else.

use std::collections::VecDeque;

use super::path_validation::KnownPath;
use crate::allowance::{Allowance, CHECKS};
use crate::counters::Reason;
use crate::ids::PeerId;
use crate::outbox::{Outbox, Unsent};
use crate::path::Path;
use crate::time::Time;

/// Checks per peer that are known again. Chromium sends one every 2.5 s: those of the last ten minutes.
pub const CHECKS_REMEMBERED: usize = 256;

/// Times that one check is answered: a request is sent seven times at most (RFC 8489 section 6.2.1).
const ANSWERS: u8 = 7;

/// Addresses known per peer. A browser with several networks and TURN shows about eight.
pub const PATHS_PER_PEER: usize = 16;

/// TCP connections among them. Each takes a descriptor, and memory for what its reader leaves unread.
pub const CONNECTIONS_PER_PEER: usize = 8;

/// DTLS datagrams that wait for an answer: a flight of ours has two or three.
pub const WITHHELD: usize = 8;

/// A check that may change something, or one that was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    New,
    /// Its answer may have got lost.
    Again,
}

#[derive(Debug)]
struct SeenCheck {
    transaction: [u8; 12],
    path: Path,
    answers: u8,
}

/// See the module.
pub(crate) struct Agent {
    /// Oldest first; two at most.
    pub(crate) ufrags: Vec<Vec<u8>>,
    /// Least recently checked first.
    pub(crate) paths: Vec<KnownPath>,
    /// Oldest first.
    checks: VecDeque<SeenCheck>,
    allowance: Allowance,
    /// Where the peer wants its datagrams.
    pub(crate) selected: Option<Path>,
    /// It is not validated: what comes and goes there counts.
    pub(crate) is_limited: bool,
    /// Validated: for what is beyond the limit.
    pub(crate) spare: Option<Path>,
    /// What of DTLS is beyond the limit, and waits. Oldest first.
    withheld: Vec<Vec<u8>>,
    /// When it last checked, or answered.
    pub(crate) consented_at: Time,
    /// When anything came from one of its addresses.
    pub(crate) last_arrival: Time,
    pub(crate) silent: bool,
    /// A check came since the start, or since consent expired.
    pub(crate) consenting: bool,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            ufrags: Vec::new(),
            paths: Vec::new(),
            checks: VecDeque::new(),
            allowance: CHECKS,
            selected: None,
            is_limited: false,
            spare: None,
            withheld: Vec::new(),
            consented_at: Time::default(),
            last_arrival: Time::default(),
            silent: false,
            consenting: false,
        }
    }
}

impl Agent {
    /// That of a transcoder.
    pub(crate) fn inside() -> Self {
        Self { selected: Some(Path::inside()), ..Self::default() }
    }

    /// Whether it has checked so often within a second that no more is even authenticated.
    pub(crate) fn is_flooding(&self, now: Time) -> bool {
        self.allowance.is_used_up(now)
    }

    /// Take in a right check, and remember it. An error if it was seen on another path or too often, or if the peer
    /// checks too often. What somebody recorded and plays again does not count for that.
    pub(crate) fn take_check(&mut self, transaction: [u8; 12], path: Path, now: Time) -> Result<Check, Reason> {
        if let Some(seen) = self.checks.iter_mut().find(|seen| seen.transaction == transaction) {
            if seen.path != path || seen.answers >= ANSWERS {
                return Err(Reason::StunReplayed);
            }
            seen.answers += 1;
            return Ok(Check::Again);
        }
        if !self.allowance.take(now) {
            return Err(Reason::Flooded);
        }
        if self.checks.len() >= CHECKS_REMEMBERED {
            self.checks.pop_front();
        }
        self.checks.push_back(SeenCheck { transaction, path, answers: 1 });
        Ok(Check::New)
    }

    /// The place of a path that is one too many: of those not in use, the one that was checked longest ago.
    pub(crate) fn superfluous(&self) -> Option<usize> {
        let is_connection = |known: &&KnownPath| known.path.transport.is_stream();
        let too_many_connections = self.paths.iter().filter(is_connection).count() > CONNECTIONS_PER_PEER;
        if !too_many_connections && self.paths.len() <= PATHS_PER_PEER {
            return None;
        }
        let in_use = [self.selected, self.spare];
        self.paths
            .iter()
            .position(|known| !in_use.contains(&Some(known.path)) && (!too_many_connections || is_connection(&known)))
    }

    /// The path, if the peer has shown it.
    pub(crate) fn known(&self, path: &Path) -> Option<&KnownPath> {
        self.paths.iter().find(|known| known.path == *path)
    }

    /// Have datagrams go to another path.
    pub(crate) fn select(&mut self, path: Option<Path>) {
        let before = std::mem::replace(&mut self.selected, path);
        if before != path {
            self.spare = [before, self.spare].into_iter().flatten().find(|before| self.is_valid(before));
        }
    }

    /// Work out what the selected path is worth now. Idempotent.
    pub(crate) fn settle(&mut self, consent: u64, now: Time) {
        for known in self.paths.iter_mut().filter(|known| !known.is_valid(consent, now)) {
            known.lapse(now);
        }
        self.is_limited = self.selected.is_some_and(|selected| selected.leaves() && !self.is_valid(&selected));
        self.spare = self.spare.filter(|spare| self.is_limited && self.is_valid(spare));
    }

    /// As of the last time that this was settled.
    fn is_valid(&self, path: &Path) -> bool {
        self.known(path).is_some_and(KnownPath::was_valid)
    }

    /// Have `write` append a datagram, to where it may go.
    pub(crate) fn send<T, E: From<Unsent>>(
        &mut self,
        peer: PeerId,
        out: &mut Outbox,
        write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<T, E> {
        let selected = self.selected.ok_or(Unsent::NoPath)?;
        if !self.is_limited {
            return out.push(peer, selected, write);
        }
        let known = self.paths.iter_mut().find(|known| known.path == selected).ok_or(Unsent::NoPath)?;
        let spare = self.spare.ok_or(Unsent::Withheld);
        out.push_where(peer, write, |length| if known.allows_other(length) { Ok(selected) } else { spare })
    }

    /// Send a DTLS datagram, or keep it until an answer validates the path: that mostly takes a round trip, and DTLS would
    /// send it again only after a second.
    pub(crate) fn send_dtls(&mut self, peer: PeerId, datagram: Vec<u8>, out: &mut Outbox) -> Result<(), Unsent> {
        let sent = self.send(peer, out, |bytes| {
            bytes.extend_from_slice(&datagram);
            Ok(())
        });
        if sent == Err(Unsent::Withheld) && self.withheld.len() < WITHHELD {
            self.withheld.push(datagram);
            return Ok(());
        }
        sent
    }

    /// Try again, after an answer.
    pub(crate) fn send_withheld(&mut self, peer: PeerId, out: &mut Outbox) {
        for datagram in std::mem::take(&mut self.withheld) {
            // It was kept, so there is room for it once more.
            let _ = self.send_dtls(peer, datagram, out);
        }
    }

    /// To one of its paths, within the limit if it is not validated.
    pub(crate) fn send_to<E: From<Unsent>>(
        &mut self,
        path: Path,
        peer: PeerId,
        out: &mut Outbox,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let known = self.paths.iter_mut().find(|known| known.path == path).ok_or(Unsent::NoPath)?;
        out.push_where(peer, write, |length| {
            if known.was_valid() || known.allows(length) { Ok(path) } else { Err(Unsent::Withheld) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_checks_the_latest_are_known_again() {
        let path = |port: u16| Path::udp(([192, 0, 2, 1], port).into(), [198, 51, 100, 1].into());
        let mut agent = Agent::default();
        let mut take = |number: usize, port: u16, now: u64| {
            let mut transaction = [0; 12];
            transaction[..8].copy_from_slice(&number.to_be_bytes());
            agent.take_check(transaction, path(port), Time::from_millis(10 * now))
        };
        for number in 0..=CHECKS_REMEMBERED {
            assert_eq!(take(number, 1, number as u64), Ok(Check::New));
        }
        assert_eq!(take(1, 2, 300), Err(Reason::StunReplayed));
        assert_eq!(take(0, 2, 300), Ok(Check::New), "the first is forgotten");
        assert_eq!(agent.checks.len(), CHECKS_REMEMBERED);
    }
}
