//! What we know of one peer's addresses: which were shown, which is wanted, and where datagrams go.
//!
//! Datagrams stay on a validated path until the wanted one is validated too. Where none is, they go to the wanted one,
//! within its limit.

use std::collections::VecDeque;

use crate::bindings::PeerId;
use crate::counters::Reason;
use crate::outbox::Outbox;
use crate::path::Path;
use crate::path_validation::KnownPath;
use crate::time::Time;

/// Checks per peer that are known again. Chromium sends one every 2.5 s: those of the last ten minutes.
pub const CHECKS_REMEMBERED: usize = 256;

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

/// See the module.
#[derive(Default)]
pub(crate) struct Agent {
    /// Oldest first; two at most.
    pub(crate) ufrags: Vec<Vec<u8>>,
    /// Least recently checked first.
    pub(crate) paths: Vec<KnownPath>,
    /// Oldest first: transaction id and path.
    checks: VecDeque<([u8; 12], Path)>,
    /// Where the peer wants its datagrams.
    pub(crate) selected: Option<Path>,
    /// Where they go.
    pub(crate) flow: Option<Path>,
    /// The selected path is not validated: what comes by it counts.
    pub(crate) awaits_answer: bool,
    /// Nor is the one where datagrams go: what goes there counts.
    pub(crate) is_limited: bool,
    /// When it last received something, or when its first check came.
    pub(crate) consented_at: Time,
    /// When anything came from one of its addresses.
    pub(crate) heard_at: Time,
    pub(crate) quiet: bool,
    /// A check came since the start, or since consent expired.
    pub(crate) consenting: bool,
}

impl Agent {
    /// That of a tap.
    pub(crate) fn inside() -> Self {
        Self { flow: Some(Path::inside()), ..Self::default() }
    }

    /// Remember a check; false if it was seen on another path.
    pub(crate) fn remember(&mut self, transaction: [u8; 12], path: Path) -> bool {
        if let Some((_, seen)) = self.checks.iter().find(|(known, _)| *known == transaction) {
            return *seen == path;
        }
        if self.checks.len() >= CHECKS_REMEMBERED {
            self.checks.pop_front();
        }
        self.checks.push_back((transaction, path));
        true
    }

    /// The path, if the peer has shown it.
    pub(crate) fn known(&self, path: &Path) -> Option<&KnownPath> {
        self.paths.iter().find(|known| known.path == *path)
    }

    /// Work out where datagrams go: to the selected path, or on to a validated one until that is validated too. Gives
    /// it if that has changed.
    pub(crate) fn settle(&mut self, consent: u64, now: Time) -> Option<Path> {
        let Some(selected) = self.selected else {
            // A tap has none, and stays as it is.
            self.flow = self.flow.filter(|flow| !flow.leaves());
            (self.awaits_answer, self.is_limited) = (false, false);
            return None;
        };
        for known in self.paths.iter_mut().filter(|known| !known.is_valid(consent, now)) {
            known.lapse(now);
        }
        let is_valid = |path: &Path| self.known(path).is_some_and(|known| known.is_valid(consent, now));
        let awaits_answer = !is_valid(&selected);
        let before = self.flow;
        self.flow = before.filter(|flow| awaits_answer && is_valid(flow)).or(Some(selected));
        self.awaits_answer = awaits_answer;
        self.is_limited = self.awaits_answer && self.flow == self.selected;
        self.flow.filter(|_| self.flow != before)
    }

    /// To one of its paths, within the limit if it is not validated.
    pub(crate) fn send_to<T, E: From<Unsent>>(
        &mut self,
        path: Path,
        peer: PeerId,
        consent: u64,
        now: Time,
        out: &mut Outbox,
        write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<T, E> {
        if self.known(&path).is_some_and(|known| known.is_valid(consent, now)) {
            out.push(peer, path, write)
        } else {
            self.send_within_limit(path, peer, out, write)
        }
    }

    /// To a path that is not validated.
    pub(crate) fn send_within_limit<T, E: From<Unsent>>(
        &mut self,
        path: Path,
        peer: PeerId,
        out: &mut Outbox,
        write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<T, E> {
        let known = self.paths.iter_mut().find(|known| known.path == path).ok_or(Unsent::NoPath)?;
        out.push(peer, path, |packets| {
            let start = packets.len();
            let written = write(packets)?;
            if known.allows(packets.len() - start) { Ok(written) } else { Err(Unsent::Withheld.into()) }
        })
    }
}
