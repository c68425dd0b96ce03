//! What we know of one peer's addresses: which were shown, which is selected, and where datagrams go.
//!
//! They go to the selected path, within its limit until it is validated. What is beyond that goes to the path before it
//! as long as that is validated, and nowhere else.

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
    /// It is not validated: what comes and goes there counts.
    pub(crate) is_limited: bool,
    /// Validated: for what is beyond the limit.
    pub(crate) spare: Option<Path>,
    /// When it last checked, or answered.
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
        Self { selected: Some(Path::inside()), ..Self::default() }
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
