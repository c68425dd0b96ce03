//! One address that a peer showed, and whether somebody there receives.
//!
//! A right check proves where it came from, and nothing more: anybody with credentials of their own can write a
//! bystander's address as its source. So a path is *validated* (RFC 9000 section 8) by an answer to a check of ours,
//! whose random transaction id only a receiver could read, or by TCP's handshake. Until then what is sent there stays
//! below three times what came from there. A validation lasts as long as consent does (RFC 7675 section 5.1) and is
//! renewed in time. Nothing else renews it.

use aws_lc_rs::rand;

use crate::path::Path;
use crate::time::Time;

/// Times what came from an unvalidated path that may be sent there (RFC 9000 section 8.1).
const AMPLIFICATION: u64 = 3;

/// Bytes of that which are kept for a question and its repetition: nothing else ends the limit.
const KEPT: u64 = 256;

/// Milliseconds until an unvalidated path is asked again; doubled each time, up to [`ASKED_AGAIN`].
const FIRST_ASKED_AGAIN: u64 = 100;

/// Milliseconds between questions that find no answer.
const ASKED_AGAIN: u64 = 1_000;

/// Milliseconds from an answer to the next question, and how much of them is random (RFC 7675 section 5.1).
const RENEWED: u64 = 4_000;
const RENEWAL_JITTER: u64 = 2_000;

/// Milliseconds that an answer may take. Repetitions of a question meanwhile have its transaction id.
const QUESTION_LASTS: u64 = 5_000;

#[derive(Debug)]
struct Question {
    transaction: [u8; 12],
    begun: Time,
}

/// See the module.
#[derive(Debug)]
pub struct KnownPath {
    /// Which.
    pub path: Path,
    /// In the latest check that came by it: ours, and the browser's, whose password signs a question.
    pub ufrags: (Vec<u8>, Vec<u8>),
    /// When that was.
    pub checked_at: Time,
    validated_at: Option<Time>,
    /// Bytes from there and to there while it is not validated.
    received: u64,
    sent: u64,
    question: Option<Question>,
    /// When to ask next, and the time to the question after that.
    due: Time,
    pause: u64,
}

impl KnownPath {
    /// One that a check has just come by.
    pub fn new(path: Path, ufrags: (&[u8], &[u8]), now: Time) -> Self {
        Self {
            path,
            ufrags: (ufrags.0.to_vec(), ufrags.1.to_vec()),
            checked_at: now,
            validated_at: None,
            received: 0,
            sent: 0,
            question: None,
            due: now,
            pause: FIRST_ASKED_AGAIN,
        }
    }

    /// A right check of so many bytes came by it. Over TCP that is an answer too: nobody sends on a connection
    /// without having received.
    pub fn checked(&mut self, ufrags: (&[u8], &[u8]), bytes: usize, now: Time) {
        self.checked_at = now;
        self.received += bytes as u64;
        if (&self.ufrags.0[..], &self.ufrags.1[..]) != ufrags {
            self.ufrags = (ufrags.0.to_vec(), ufrags.1.to_vec());
            self.question = None;
            self.due = now;
        }
        if self.path.transport.is_stream() {
            self.validated_at = Some(now);
        }
    }

    /// So many bytes of anything came by it.
    pub fn note_arrival(&mut self, bytes: usize) {
        self.received += bytes as u64;
    }

    /// Whether somebody there received lately.
    pub fn is_valid(&self, consent: u64, now: Time) -> bool {
        self.validated_at.is_some_and(|at| now.millis_since(at) <= consent)
    }

    /// The same, as of the last [`Self::lapse`].
    pub fn was_valid(&self) -> bool {
        self.validated_at.is_some()
    }

    /// What came and went before its validation ran out counts no more. Idempotent.
    pub fn lapse(&mut self, now: Time) {
        if self.validated_at.take().is_some() {
            (self.received, self.sent) = (0, 0);
            (self.question, self.due, self.pause) = (None, now, FIRST_ASKED_AGAIN);
        }
    }

    /// Whether so many bytes may be sent there although it is not validated; then they count as sent.
    pub fn allows(&mut self, bytes: usize) -> bool {
        let allowed = self.sent + bytes as u64 <= AMPLIFICATION * self.received;
        if allowed {
            self.sent += bytes as u64;
        }
        allowed
    }

    /// The same, of what is neither an answer nor a question.
    pub fn allows_other(&mut self, bytes: usize) -> bool {
        self.sent + bytes as u64 + KEPT <= AMPLIFICATION * self.received && self.allows(bytes)
    }

    /// The transaction id of a question that is due now.
    pub fn ask(&mut self, now: Time) -> Option<[u8; 12]> {
        if self.path.transport.is_stream() || now < self.due {
            return None;
        }
        if self.question.as_ref().is_none_or(|asked| now.millis_since(asked.begun) >= QUESTION_LASTS) {
            self.question = Some(Question { transaction: random()?, begun: now });
        }
        self.due = now.plus_millis(self.pause);
        self.pause = (2 * self.pause).min(ASKED_AGAIN);
        self.question.as_ref().map(|asked| asked.transaction)
    }

    /// Whether an answer with this transaction id was waited for.
    pub fn awaits(&self, transaction: [u8; 12], now: Time) -> bool {
        let asked = self.question.as_ref();
        asked.is_some_and(|asked| asked.transaction == transaction && now.millis_since(asked.begun) <= QUESTION_LASTS)
    }

    /// It was answered.
    pub fn answered(&mut self, now: Time) {
        let jitter = random().map_or(0, |[high, low, ..]: [u8; 12]| u64::from(u16::from_be_bytes([high, low])));
        self.validated_at = Some(now);
        self.question = None;
        self.due = now.plus_millis(RENEWED + jitter % RENEWAL_JITTER);
        self.pause = ASKED_AGAIN;
    }
}

/// Have the calling thread gather its randomness now. The first time takes tens of milliseconds, in which nobody's
/// packets would be passed on.
pub fn warm_up() {
    random();
}

/// None when the system has no randomness: then nothing is asked, and nothing is believed.
fn random() -> Option<[u8; 12]> {
    let mut bytes = [0; 12];
    rand::fill(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::path::Transport;

    const CONSENT: u64 = 30_000;

    fn known() -> KnownPath {
        KnownPath::new(
            Path::udp(([192, 0, 2, 1], 4_000).into(), [198, 51, 100, 1].into()),
            (b"ann", b"them"),
            Time::default(),
        )
    }

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn three_times_what_came_may_be_sent() {
        let mut path = known();
        assert!(!path.allows(1));
        path.checked((b"ann", b"them"), 100, at(0));
        assert!(path.allows(200) && path.allows(100));
        assert!(!path.allows(1));
        path.note_arrival(1_000);
        assert!(!path.allows(3_001));
        assert!(path.allows(3_000));
    }

    #[test]
    fn of_what_may_be_sent_some_is_kept_for_a_question() {
        let mut path = known();
        path.checked((b"ann", b"them"), 100, at(0));
        assert!(!path.allows_other(45));
        assert!(path.allows_other(44));
        assert!(!path.allows_other(1));
        assert!(path.allows(256) && !path.allows(1));
    }

    #[test]
    fn a_question_is_repeated_ever_less_often_and_replaced_after_five_seconds() {
        let mut path = known();
        let asked: Vec<(u64, [u8; 12])> =
            (0..10_000).filter_map(|now| path.ask(at(now)).map(|transaction| (now, transaction))).collect();
        let times: Vec<u64> = asked.iter().map(|(now, _)| *now).collect();
        assert_eq!(times, [0, 100, 300, 700, 1_500, 2_500, 3_500, 4_500, 5_500, 6_500, 7_500, 8_500, 9_500]);
        assert!(asked[..8].iter().all(|(_, transaction)| *transaction == asked[0].1));
        assert!(asked[8..].iter().all(|(_, transaction)| *transaction == asked[8].1));
        assert_ne!(asked[0].1, asked[8].1);
        assert!(!path.awaits(asked[0].1, at(9_600)));
        assert!(path.awaits(asked[8].1, at(9_600)));
    }

    #[test]
    fn an_answer_counts_once_and_is_renewed_with_jitter() {
        let mut path = known();
        let transaction = path.ask(at(0)).unwrap();
        path.answered(at(10));
        assert!(!path.awaits(transaction, at(10)));
        let next = (10..).find(|now| path.ask(at(*now)).is_some()).unwrap();
        assert!((4_010..6_010).contains(&next), "{next}");
        // Without an answer, each second from then on.
        assert_eq!(path.ask(at(next + 999)), None);
        assert!(path.ask(at(next + 1_000)).is_some());
    }

    #[test]
    fn an_answer_that_comes_too_late_is_none() {
        let mut path = known();
        let transaction = path.ask(at(0)).unwrap();
        assert!(path.awaits(transaction, at(5_000)));
        assert!(!path.awaits(transaction, at(5_001)));
    }

    #[test]
    fn a_validation_lasts_as_long_as_consent_whatever_comes() {
        let mut path = known();
        path.answered(at(0));
        path.checked((b"ann", b"them"), 100, at(29_000));
        path.note_arrival(10_000);
        assert!(path.is_valid(CONSENT, at(30_000)));
        assert!(!path.is_valid(CONSENT, at(30_001)));
        path.lapse(at(30_001));
        assert!(!path.allows(1), "what came before counts no more");
        assert!(path.ask(at(30_001)).is_some());
    }

    #[test]
    fn a_check_over_tcp_validates_and_nothing_is_asked_there() {
        let mut path = known();
        path.path.transport = Transport::Tcp;
        assert_eq!(path.ask(at(0)), None);
        path.checked((b"ann", b"them"), 100, at(0));
        assert!(path.is_valid(CONSENT, at(30_000)));
        path.checked((b"ann", b"them"), 100, at(20_000));
        assert!(path.is_valid(CONSENT, at(50_000)));
    }

    #[test]
    fn after_a_restart_the_question_is_signed_anew() {
        let mut path = known();
        let transaction = path.ask(at(0)).unwrap();
        path.checked((b"again", b"anew"), 100, at(50));
        assert!(!path.awaits(transaction, at(50)));
        assert_ne!(path.ask(at(50)), Some(transaction));
    }
}
