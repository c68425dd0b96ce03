//! How far a run is: everybody enters, is paired, and then is measured.

use crate::clock::{MILLISECOND, Nanos, SECOND};
use crate::options::{Options, Route};
use crate::person::{Person, Phase};
use crate::tally::Tally;

/// How long all may take to connect beyond the time in which they arrive, and to be paired.
const PATIENCE: Nanos = 20 * SECOND;
/// Between a rest and a measurement, so that buffers and rates are what they are in the steady state.
const WARM_UP: Nanos = 300 * MILLISECOND;
/// For packets that are on their way when the measurement ends.
const DRAIN: Nanos = 300 * MILLISECOND;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    Entering {
        since: Nanos,
    },
    Pairing {
        since: Nanos,
    },
    Settling {
        since: Nanos,
    },
    /// Connected and silent, until a command comes.
    Resting,
    WarmingUp {
        since: Nanos,
    },
    Measuring {
        since: Nanos,
    },
    Draining {
        since: Nanos,
    },
    Over,
}

impl Stage {
    pub fn begin(options: &Options, now: Nanos) -> Self {
        if options.route == Route::Relay { Self::Entering { since: now } } else { Self::Settling { since: now } }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Entering { .. } => "entering",
            Self::Pairing { .. } => "pairing",
            Self::Settling { .. } => "settling",
            Self::Resting => "resting",
            Self::WarmingUp { .. } => "warming up",
            Self::Measuring { .. } => "measuring",
            Self::Draining { .. } => "draining",
            Self::Over => "over",
        }
    }

    /// Whether those who come in now look for a partner at once.
    pub fn is_running(self) -> bool {
        !matches!(self, Self::Entering { .. } | Self::Over)
    }

    /// The next stage, if it is time for it.
    pub fn next(self, now: Nanos, options: &Options, people: &[Person], tally: &mut Tally) -> Option<Self> {
        let seconds = |seconds: f64| (seconds * SECOND as f64) as Nanos;
        match self {
            Self::Entering { since } => {
                let patience = seconds(f64::from(options.people) / options.join_rate) + PATIENCE;
                let is_late = now > since + patience;
                let absent = people.iter().filter(|person| person.phase != Phase::Ready).count();
                if is_late {
                    (0..absent).for_each(|_| tally.fail("never connected"));
                }
                (absent == 0 || is_late).then_some(Self::Pairing { since: now })
            }
            Self::Pairing { since } => {
                let is_late = now > since + PATIENCE;
                let lonely = people.iter().filter(|person| person.phase != Phase::Talking).count();
                let blind = people.iter().filter(|person| !person.sees).count();
                let sighted = if options.audio_only + options.text_only == 0 { blind } else { lonely };
                // Who is alone waits for somebody whom we don't play.
                let odd = if people.len() == 1 { 0 } else { people.len() % 2 };
                if options.pairings.is_some() {
                    // Meeting is what is measured.
                    return Some(Self::Settling { since: now });
                }
                if is_late {
                    (odd..sighted).for_each(|_| tally.fail("never paired or never saw a picture"));
                }
                (sighted <= odd || is_late).then_some(Self::Settling { since: now })
            }
            Self::Settling { since } if now <= since + seconds(options.settle) => None,
            Self::Settling { .. } if options.on_command => Some(Self::Resting),
            Self::WarmingUp { since } if now <= since + WARM_UP => None,
            Self::Settling { .. } | Self::WarmingUp { .. } => {
                tally.open(now..now + seconds(options.seconds));
                Some(Self::Measuring { since: now })
            }
            Self::Resting => None,
            Self::Measuring { since } => {
                let is_enough = options.pairings.is_some_and(|enough| tally.pairings >= enough);
                if is_enough {
                    tally.window = Some(since..now);
                }
                (is_enough || now > since + seconds(options.seconds)).then_some(Self::Draining { since: now })
            }
            Self::Draining { since } if now <= since + DRAIN => None,
            Self::Draining { .. } => Some(if options.on_command { Self::Resting } else { Self::Over }),
            Self::Over => None,
        }
    }
}
