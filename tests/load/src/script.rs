//! Who does what when: behaviours by their mean interval, repeatable by the seed.

use crate::clock::{Nanos, SECOND};
use crate::options::Options;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Deed {
    Skip,
    Leave,
    Die,
    Reconnect,
    Chat,
    Resume,
    Restart,
}

impl Deed {
    pub fn name(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Leave => "leave",
            Self::Die => "die",
            Self::Reconnect => "reconnect",
            Self::Chat => "chat",
            Self::Resume => "resume",
            Self::Restart => "restart",
        }
    }
}

/// Draws deeds.
pub struct Script {
    intervals: Vec<(Deed, f64)>,
    dice: fastrand::Rng,
}

impl Script {
    pub fn new(options: &Options) -> Self {
        let asked = [
            (Deed::Skip, options.skip_every),
            (Deed::Leave, options.leave_every),
            (Deed::Die, options.die_every),
            (Deed::Reconnect, options.reconnect_every),
            (Deed::Chat, options.chat_every),
            (Deed::Resume, options.resume_every),
            (Deed::Restart, options.restart_every),
        ];
        Self {
            intervals: asked.into_iter().filter_map(|(deed, interval)| Some((deed, interval?))).collect(),
            dice: fastrand::Rng::with_seed(options.seed),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.intervals.is_empty()
    }

    /// A person's next deed, and how long until then. As each comes at random (a Poisson process), the
    /// earliest of all leaves the intervals of the others as they were.
    pub fn draw(&mut self) -> Option<(Deed, Nanos)> {
        let drawn = self.intervals.iter().map(|(deed, interval)| {
            let seconds = -interval * (1.0 - self.dice.f64()).ln();
            (*deed, (seconds * SECOND as f64) as Nanos)
        });
        drawn.min_by_key(|(_, wait)| *wait)
    }
}
