//! Counters that media threads write and anybody may read at any time, without a lock.
//!
//! One thread at a time writes them (each shard of the exchange has its own, and so has each thread for what it counts
//! outside of them), so an addition is a plain load and store. Who has several writers says `shared`. Readers see each
//! value whole, though not all values of the same moment.

use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::cache::Cache;
use crate::wire::rtcp::ReportBlock;

/// A number that only its one writer changes.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Add to it. Only by the one writer.
    pub fn add(&self, amount: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(amount), Relaxed);
    }

    /// Take from it what was added. Only by the one writer.
    pub fn subtract(&self, amount: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_sub(amount), Relaxed);
    }

    /// Add to it, where several threads do.
    pub fn add_shared(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    /// Replace it. Only by the one writer.
    pub fn set(&self, value: u64) {
        self.0.store(value, Relaxed);
    }

    /// The current value.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

macro_rules! reasons {
    ($($variant:ident = $name:literal,)*) => {
        /// Why a datagram or packet went no further. Names are those of `relay/observe/drops.py`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // the names say it
        pub enum Reason { $($variant),* }

        impl Reason {
            /// Every reason, in the order of [`Drops`].
            pub const ALL: &'static [Reason] = &[$(Reason::$variant),*];

            /// The stable name.
            pub const fn name(self) -> &'static str {
                match self { $(Reason::$variant => $name),* }
            }
        }
    };
}

reasons! {
    Empty = "empty",
    Oversized = "oversized",
    UnknownProtocol = "unknown_protocol",
    StunMalformed = "stun_malformed",
    StunUnknownUfrag = "stun_unknown_ufrag",
    StunBadIntegrity = "stun_bad_integrity",
    StunReplayed = "stun_replayed",
    StunAddressHeld = "stun_address_held",
    StunUnasked = "stun_unasked",
    PathUnvalidated = "path_unvalidated",
    UnverifiedSource = "unverified_source",
    DtlsBacklog = "dtls_backlog",
    DtlsRefused = "dtls_refused",
    SendFailed = "send_failed",
    SocketOverflow = "socket_overflow",
    TcpCrowded = "tcp_crowded",
    TcpUnproved = "tcp_unproved",
    TcpMalformed = "tcp_malformed",
    TcpBacklog = "tcp_backlog",
    TcpStuck = "tcp_stuck",
    NotSecureYet = "not_secure_yet",
    SrtpRejected = "srtp_rejected",
    RtpMalformed = "rtp_malformed",
    RtcpMalformed = "rtcp_malformed",
    UnknownSsrc = "unknown_ssrc",
    UnknownPayloadType = "unknown_payload_type",
    NotRouted = "not_routed",
    Padding = "padding",
    AwaitingKeyframe = "awaiting_keyframe",
    PictureTooLarge = "picture_too_large",
    NoCommonCodec = "no_common_codec",
    TooLate = "too_late",
    NotKept = "not_kept",
    RepeatedAlready = "repeated_already",
    OverBudget = "over_budget",
    FeedbackThrottled = "feedback_throttled",
    Flooded = "flooded",
    TranscoderBacklog = "transcoder_backlog",
    TurnMalformed = "turn_malformed",
    TurnRefused = "turn_refused",
    TurnForbidden = "turn_forbidden",
}

/// How many were dropped, by reason.
#[derive(Debug)]
pub struct Drops([Counter; Reason::ALL.len()]);

impl Default for Drops {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Drops {
    /// Count one.
    pub fn count(&self, reason: Reason) {
        self.add(reason, 1);
    }

    /// Count several.
    pub fn add(&self, reason: Reason, amount: u64) {
        self.0[reason as usize].add(amount);
    }

    /// Count one, where several threads do.
    pub fn count_shared(&self, reason: Reason) {
        self.0[reason as usize].add_shared(1);
    }

    /// How many there were.
    pub fn get(&self, reason: Reason) -> u64 {
        self.0[reason as usize].get()
    }
}

/// What passed in one direction: packets, and bytes as on the wire without IP and UDP headers.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Datagrams of SRTP and SRTCP.
    pub packets: Counter,
    /// Their bytes.
    pub bytes: Counter,
}

impl Traffic {
    /// Count one datagram.
    pub fn count(&self, bytes: usize) {
        self.packets.add(1);
        self.bytes.add(bytes as u64);
    }

    fn add(&self, other: &Self) {
        self.packets.add(other.packets.get());
        self.bytes.add(other.bytes.get());
    }
}

/// Totals of one part of the core, or of all of it ([`Totals::of_all`]).
#[derive(Debug, Default)]
pub struct Totals {
    /// From browsers.
    pub received: Traffic,
    /// To browsers.
    pub sent: Traffic,
    /// Dropped, by reason.
    pub drops: Drops,
    /// Allocations of TURN, now.
    pub turn_allocations: Counter,
    /// Where sent packets are kept, to be retransmitted. It counts for itself.
    pub kept: Arc<Cache>,
}

impl Totals {
    /// With `kept` as the place where sent packets are kept.
    pub fn sharing(kept: &Arc<Cache>) -> Self {
        Self { kept: Arc::clone(kept), ..Self::default() }
    }

    /// Those of one more part, which keeps what it sent within the same budget.
    pub fn beside(&self) -> Self {
        Self { kept: Arc::clone(&self.kept), ..Self::default() }
    }

    /// What all parts counted. They share what they keep.
    pub fn of_all<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut parts = parts.into_iter().peekable();
        let all = parts.peek().map_or_else(Self::default, |first| first.beside());
        for part in parts {
            all.received.add(&part.received);
            all.sent.add(&part.sent);
            for reason in Reason::ALL {
                all.drops.add(*reason, part.drops.get(*reason));
            }
            all.turn_allocations.add(part.turn_allocations.get());
        }
        all
    }
}

/// How packets arrive: those of a picture by the latest report, and all of them so far.
#[derive(Debug, Default)]
pub struct Arrival {
    /// 256ths of the picture's packets that are lost.
    pub loss: Counter,
    /// Microseconds by which they vary.
    pub jitter: Counter,
    /// Packets that should have come by now, picture and sound.
    pub expected: Counter,
    /// Those that did not, at first: some were retransmitted.
    pub lost: Counter,
}

impl Arrival {
    /// By a report, whose jitter is in units of a video clock.
    pub fn set(&self, block: &ReportBlock) {
        self.loss.set(u64::from(block.fraction_lost));
        self.jitter.set(u64::from(block.jitter) * 100 / 9);
    }

    /// More packets should have come, and did not.
    pub fn add(&self, expected: u64, lost: u64) {
        self.expected.add(expected);
        self.lost.add(lost);
    }

    /// Packets that should have come, and those that did not. What comes late after all is not taken back: a
    /// counter only grows.
    pub fn so_far(&self, expected: u64, lost: u64) {
        self.expected.set(self.expected.get().max(expected));
        self.lost.set(self.lost.get().max(lost));
    }
}

/// One direction between the core and several peers, since it was started.
#[derive(Clone, Copy, Debug, Default)]
pub struct Recovery {
    /// Packets asked for by NACK, each time.
    pub missed: u64,
    /// Those that were retransmitted.
    pub retransmitted: u64,
    /// Requests for a keyframe.
    pub keyframes: u64,
    /// Packets that should have come.
    pub expected: u64,
    /// Those that did not, at first.
    pub lost: u64,
}

impl AddAssign for Recovery {
    fn add_assign(&mut self, other: Self) {
        self.missed += other.missed;
        self.retransmitted += other.retransmitted;
        self.keyframes += other.keyframes;
        self.expected += other.expected;
        self.lost += other.lost;
    }
}

/// Of one peer, since it was opened.
#[derive(Debug, Default)]
pub struct PeerCounters {
    /// From this browser.
    pub received: Traffic,
    /// To this browser.
    pub sent: Traffic,
    /// Bits per second from this browser, over the last second.
    pub receive_rate: Counter,
    /// Bits per second to this browser, over the last second.
    pub send_rate: Counter,
    /// Keyframes that this browser sent on lines somebody watches.
    pub keyframes: Counter,
    /// Requests for a keyframe that we sent to this browser.
    pub keyframe_requests: Counter,
    /// Packets that this browser missed, by its NACKs.
    pub missed: Counter,
    /// Packets that were retransmitted to this browser.
    pub retransmitted: Counter,
    /// Packets that we missed from this browser, by each NACK.
    pub requested: Counter,
    /// Packets that we missed, and that this browser retransmitted.
    pub recovered: Counter,
    /// Milliseconds to this browser and back; 0 until a report told.
    pub round_trip: Counter,
    /// Bits per second that this browser was told it may send, because its partner's link takes no more; else 0.
    pub cap: Counter,
    /// Bits per second that this browser estimates it can receive; 0 until it says so.
    pub estimate: Counter,
    /// How the picture's packets lately arrived at this browser.
    pub arrival: Arrival,
    /// How its own lately arrived here.
    pub reception: Arrival,
    /// Requests for a keyframe that this browser sent.
    pub keyframes_wanted: Counter,
    /// Bytes of packets for this browser that are kept, to be retransmitted.
    pub kept: Counter,
    /// Packets of this browser, or for it, that were dropped, by reason.
    pub drops: Drops,
}

impl PeerCounters {
    /// What the peer missed.
    pub fn to_it(&self) -> Recovery {
        Recovery {
            missed: self.missed.get(),
            retransmitted: self.retransmitted.get(),
            keyframes: self.keyframes_wanted.get(),
            expected: self.arrival.expected.get(),
            lost: self.arrival.lost.get(),
        }
    }

    /// What was missed of the peer.
    pub fn from_it(&self) -> Recovery {
        Recovery {
            missed: self.requested.get(),
            retransmitted: self.recovered.get(),
            keyframes: self.keyframe_requests.get(),
            expected: self.reception.expected.get(),
            lost: self.reception.lost.get(),
        }
    }
}
