//! What two people write to each other: numbered, so that what is lost, doubled or of somebody else is noticed.

use std::collections::VecDeque;

use crate::tally::Tally;

/// A chat message: the writer's name for it, and its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub id: String,
    pub text: String,
}

/// One person's side of the conversation that they are in.
#[derive(Debug, Default)]
pub struct Chat {
    writer: u32,
    /// Of all that this person ever wrote: names are never used again.
    names: u64,
    said: u32,
    heard: u32,
    /// Who writes to us, by what they wrote.
    partner: Option<u32>,
    last_heard: Option<String>,
    /// Without `message_delivered`.
    unconfirmed: VecDeque<Written>,
}

impl Chat {
    pub fn new(writer: u32) -> Self {
        Self { writer, ..Self::default() }
    }

    /// Another conversation begins, or this one is over.
    pub fn cut(&mut self) {
        *self = Self { names: self.names, ..Self::new(self.writer) };
    }

    /// The next message.
    pub fn write(&mut self) -> Written {
        self.names += 1;
        self.said += 1;
        let written =
            Written { id: format!("{}-{}", self.writer, self.names), text: format!("{} {}", self.writer, self.said) };
        self.unconfirmed.push_back(written.clone());
        written
    }

    /// A message of the partner's has come.
    pub fn read(&mut self, written: Written, tally: &mut Tally) {
        let numbers =
            written.text.split_once(' ').and_then(|(one, other)| Some((one.parse().ok()?, other.parse().ok()?)));
        let Some((writer, number)) = numbers else { return tally.fail("chat: not what was written") };
        tally.chat_read += 1;
        if *self.partner.get_or_insert(writer) != writer || writer == self.writer {
            tally.fail("chat: of somebody else");
        }
        let number: u32 = number;
        if number <= self.heard {
            tally.fail("chat: doubled");
        } else if number > self.heard + 1 {
            tally.fail("chat: lost");
        }
        self.heard = self.heard.max(number);
        self.last_heard = Some(written.id);
    }

    /// The relay has passed a message on.
    pub fn confirm(&mut self, id: &str) {
        // Confirmations that were lost come after those that waited; some are of the conversation before.
        self.unconfirmed.retain(|written| written.id != id);
    }

    /// What has to be said again after a resume.
    pub fn unconfirmed(&self) -> Vec<Written> {
        self.unconfirmed.iter().cloned().collect()
    }

    /// The last message that came.
    pub fn last_heard(&self) -> Option<&str> {
        self.last_heard.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk() -> (Chat, Chat, Tally) {
        (Chat::new(1), Chat::new(2), Tally::default())
    }

    fn failures(tally: &Tally) -> Vec<&str> {
        tally.failures.keys().map(String::as_str).collect()
    }

    #[test]
    fn what_arrives_once_and_in_order_is_right() {
        let (mut ann, mut bob, mut tally) = talk();
        for _ in 0..3 {
            let written = ann.write();
            bob.read(written.clone(), &mut tally);
            ann.confirm(&written.id);
        }
        assert!(failures(&tally).is_empty());
        assert!(ann.unconfirmed().is_empty());
        assert_eq!(bob.last_heard(), Some("1-3"));
    }

    #[test]
    fn what_is_missing_doubled_or_of_somebody_else_is_noticed() {
        let (mut ann, mut bob, mut tally) = talk();
        let first = ann.write();
        bob.read(first.clone(), &mut tally);
        bob.read(first, &mut tally);
        assert_eq!(failures(&tally), ["chat: doubled"]);
        ann.write();
        bob.read(ann.write(), &mut tally);
        assert_eq!(failures(&tally), ["chat: doubled", "chat: lost"]);
        let mut eve = Chat::new(3);
        (0..4).for_each(|_| drop(eve.write()));
        bob.heard = 3;
        bob.read(Written { id: "3-4".into(), text: "3 4".into() }, &mut tally);
        assert_eq!(failures(&tally), ["chat: doubled", "chat: lost", "chat: of somebody else"]);
    }

    #[test]
    fn what_was_not_confirmed_is_said_again() {
        let (mut ann, _, _) = talk();
        let (first, second) = (ann.write(), ann.write());
        ann.confirm(&first.id);
        assert_eq!(ann.unconfirmed(), [second]);
        ann.cut();
        assert!(ann.unconfirmed().is_empty());
        assert_eq!(ann.write().id, "1-3");
    }
}
