//! When is whose turn: the earliest due task of all people.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::clock::Nanos;

/// What a person does at a certain time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Task {
    Enter,
    Speak,
    Show,
    Ask,
    Report,
    /// ICE and DTLS.
    Connect,
    Act,
    /// Come back to a session whose WebSocket was cut.
    Resume,
}

/// A task of one person. `life` tells the person's connections apart: what is left of an old one is void.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Turn {
    pub due: Nanos,
    pub person: u32,
    pub life: u32,
    pub task: Task,
}

#[derive(Default)]
pub struct Schedule(BinaryHeap<Reverse<Turn>>);

impl Schedule {
    pub fn add(&mut self, turn: Turn) {
        self.0.push(Reverse(turn));
    }

    /// The next turn that is due.
    pub fn pop(&mut self, now: Nanos) -> Option<Turn> {
        if self.next()? > now {
            return None;
        }
        self.0.pop().map(|Reverse(turn)| turn)
    }

    /// When something is due next.
    pub fn next(&self) -> Option<Nanos> {
        self.0.peek().map(|Reverse(turn)| turn.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_the_order_in_which_they_are_due() {
        let mut schedule = Schedule::default();
        for due in [30, 10, 20] {
            schedule.add(Turn { due, person: 0, life: 0, task: Task::Speak });
        }
        assert_eq!(schedule.pop(9), None);
        assert_eq!(schedule.pop(25).map(|turn| turn.due), Some(10));
        assert_eq!(schedule.pop(25).map(|turn| turn.due), Some(20));
        assert_eq!(schedule.pop(25), None);
        assert_eq!(schedule.next(), Some(30));
    }
}
