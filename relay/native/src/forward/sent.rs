//! What a slot sent lately, to be retransmitted to a receiver that misses it (RFC 4588), and how much of that
//! a receiver may have.
//!
//! A narrow link loses packets because it is full: answering each complaint would fill it with duplicates.
//! So there is a budget, and one packet is retransmitted only so often.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::counters::{Counter, Reason};
use crate::forward::downstream::Downstream;
use crate::time::Time;

/// Milliseconds for which packets are kept: a little longer than [`MOST_REPEATS`] of the longest round trip take. A second of them
/// would be 40 % of what a person takes in memory.
const AGE: u64 = 800;

/// Bytes kept for one slot: more than a second at what one person may send. Of two slots with video, a peer
/// has a megabyte at most.
const MOST_PER_SLOT: u64 = 512 * 1024;

/// Bytes kept for everybody: a second of 2.5 Mbit/s for 800 people.
const MOST_IN_TOTAL: u64 = 256 * 1024 * 1024;

/// Times that one packet is retransmitted when the receiver complains, and when the link to it is full.
const MOST_REPEATS: u8 = 6;
const MOST_REPEATS_WHEN_FULL: u8 = 3;

/// Milliseconds between two repeats of one packet: what is assumed of a round trip until it is known, and the
/// bounds within which it is believed.
const ROUND_TRIP: u64 = 100;
const ROUND_TRIPS: (u64, u64) = (40, 250);

/// Bytes that every packet costs besides its payload.
const OVERHEAD: usize = size_of::<Sent>();

/// One packet as it was sent, before it was sealed.
#[derive(Debug)]
pub struct Sent {
    index: u64,
    at: Time,
    repeats: u8,
    repeated_at: Option<Time>,
    /// Whether it is, or will be, sent once more without a complaint.
    pub duplicated: bool,
    /// See [`crate::wire::rtp::Header::marker`].
    pub marker: bool,
    /// Of its retransmission.
    pub payload_type: u8,
    /// As it was sent.
    pub timestamp: u32,
    /// As it was sent.
    pub payload: Box<[u8]>,
}

impl Sent {
    /// A packet of the slot's `index`, sent now.
    pub fn new(index: u64, marker: bool, payload_type: u8, timestamp: u32, payload: &[u8], now: Time) -> Self {
        let payload = payload.into();
        Self {
            index,
            at: now,
            repeats: 0,
            repeated_at: None,
            duplicated: false,
            marker,
            payload_type,
            timestamp,
            payload,
        }
    }

    /// It was retransmitted.
    pub fn repeated(&mut self, now: Time) {
        self.repeats += 1;
        self.repeated_at = Some(now);
    }

    fn size(&self) -> u64 {
        (OVERHEAD + self.payload.len()) as u64
    }
}

/// The packets of one slot, in the order of their indices.
#[derive(Debug)]
pub struct SentPackets {
    packets: VecDeque<Sent>,
    bytes: u64,
    /// Everybody's.
    total: Arc<Counter>,
}

impl SentPackets {
    /// None yet; `total` counts everybody's bytes.
    pub fn new(total: Arc<Counter>) -> Self {
        Self { packets: VecDeque::new(), bytes: 0, total }
    }

    /// Keep a packet. When everybody together has too many it is not kept, as if it had aged already.
    pub fn keep(&mut self, packet: Sent) {
        let (size, index) = (packet.size(), packet.index);
        self.forget_old(packet.at);
        while self.bytes + size > MOST_PER_SLOT && self.forget_oldest() {}
        if self.total.get() + size > MOST_IN_TOTAL {
            return;
        }
        // Nearly all come in order; a search would go through memory that no cache holds.
        let at = match self.packets.back() {
            Some(newest) if newest.index >= index => self.packets.partition_point(|kept| kept.index < index),
            _ => self.packets.len(),
        };
        if self.packets.get(at).is_none_or(|kept| kept.index != index) {
            self.packets.insert(at, packet);
            self.bytes += size;
            self.total.add_shared(size);
        }
    }

    /// The packet with this sequence number.
    pub fn get(&mut self, sequence: u16) -> Option<&mut Sent> {
        let at = self.find_place(sequence)?;
        self.packets.get_mut(at)
    }

    /// Milliseconds since the packet with this sequence number was sent.
    pub fn age(&self, sequence: u16, now: Time) -> Option<u64> {
        let packet = self.packets.get(self.find_place(sequence)?)?;
        Some(now.millis_since(packet.at))
    }

    fn find_place(&self, sequence: u16) -> Option<usize> {
        let newest = self.packets.back()?.index;
        let index = newest.wrapping_add_signed(i64::from(sequence.wrapping_sub(newest as u16) as i16));
        self.packets.binary_search_by_key(&index, |kept| kept.index).ok()
    }

    /// The packet with this sequence number, if it may be retransmitted now because its receiver complained.
    pub fn find(&mut self, sequence: u16, downstream: &Downstream) -> Result<&mut Sent, Reason> {
        let Downstream { round_trip, now, .. } = *downstream;
        let packet = self.get(sequence).ok_or(Reason::NotKept)?;
        let most = if downstream.full { MOST_REPEATS_WHEN_FULL } else { MOST_REPEATS };
        let wait = round_trip.unwrap_or(ROUND_TRIP).clamp(ROUND_TRIPS.0, ROUND_TRIPS.1);
        // A tenth less, so that a repeated complaint which was not held up on its way counts.
        let too_soon = packet.repeated_at.is_some_and(|last| now.millis_since(last) < wait * 9 / 10);
        let age = now.millis_since(packet.at);
        if age > AGE {
            return Err(Reason::NotKept);
        }
        // Nobody misses what is still on its way: this complaint is about the packet's link to us, and was recovered.
        let on_its_way = round_trip.is_some_and(|round_trip| age < round_trip.min(ROUND_TRIPS.1) * 9 / 10);
        if on_its_way || too_soon || packet.repeats >= most {
            return Err(Reason::RepeatedAlready);
        }
        Ok(packet)
    }

    /// Forget packets that nobody can use any more.
    pub fn forget_old(&mut self, now: Time) {
        while self.packets.front().is_some_and(|oldest| now.millis_since(oldest.at) > AGE) {
            self.forget_oldest();
        }
    }

    /// Forget everything.
    pub fn clear(&mut self) {
        while self.forget_oldest() {}
    }

    /// Bytes kept.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(oldest) = self.packets.pop_front() else { return false };
        self.bytes -= oldest.size();
        self.total.subtract_shared(oldest.size());
        true
    }
}

impl Drop for SentPackets {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Bits per second of retransmissions that a receiver may always have, and the hundredths of what it is delivered that it
/// may have if that is more: on a link that loses a tenth, and on one that is full.
const LEAST: u64 = 100_000;
const SHARE: u64 = 40;
const SHARE_WHEN_FULL: u64 = 15;

/// Bits that may be saved up: a keyframe that was lost altogether.
const SAVED: u64 = 160_000;

/// Bytes of retransmissions that one receiver may have.
#[derive(Debug)]
pub struct Budget {
    bits: u64,
    at: Time,
}

impl Default for Budget {
    fn default() -> Self {
        Self { bits: SAVED, at: Time::default() }
    }
}

impl Budget {
    /// Whether `bytes` may be retransmitted now.
    pub fn allows(&mut self, bytes: usize, downstream: &Downstream) -> bool {
        let share = if downstream.full { SHARE_WHEN_FULL } else { SHARE };
        let rate = LEAST.max(downstream.delivered.saturating_mul(share) / 100);
        let earned = downstream.now.units_since(self.at, rate.min(u64::from(u32::MAX)) as u32);
        if earned > 0 {
            self.bits = self.bits.saturating_add(earned).min(SAVED);
            self.at = downstream.now;
        }
        self.bits >= 8 * bytes as u64
    }

    /// Whether enough is left for what nobody complained of yet.
    pub fn is_plentiful(&self) -> bool {
        self.bits >= SAVED / 2
    }

    /// They were sent.
    pub fn spend(&mut self, bytes: usize) {
        self.bits = self.bits.saturating_sub(8 * bytes as u64);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packet(index: u64, length: usize, millis: u64) -> Sent {
        Sent::new(index, false, 97, 0, &vec![0; length], Time::from_millis(millis))
    }

    fn downstream(round_trip: Option<u64>, delivered: u64, full: bool, millis: u64) -> Downstream {
        Downstream { round_trip, delivered, lossy: false, full, now: Time::from_millis(millis) }
    }

    fn found(sent: &mut SentPackets, sequence: u16, full: bool, millis: u64) -> Result<u64, Reason> {
        let packet = sent.find(sequence, &downstream(None, 0, full, millis))?;
        packet.repeated(Time::from_millis(millis));
        Ok(packet.index)
    }

    #[test]
    fn a_packet_is_found_by_its_sequence_number_across_a_wrap_until_it_is_old() {
        let mut sent = SentPackets::new(Arc::default());
        for index in 65_530..65_545 {
            sent.keep(packet(index, 100, index - 65_530));
        }
        assert_eq!(found(&mut sent, 65_533, false, 20), Ok(65_533));
        assert_eq!(found(&mut sent, 3, false, 20), Ok(65_539));
        assert_eq!(found(&mut sent, 100, false, 20), Err(Reason::NotKept));
        assert_eq!(found(&mut sent, 4, false, 1_100), Err(Reason::NotKept));
    }

    #[test]
    fn one_packet_is_retransmitted_a_few_times_at_most_and_not_within_a_round_trip() {
        for (full, expected) in [(false, &[0, 90, 180, 270, 360, 450][..]), (true, &[0, 90, 180])] {
            let mut sent = SentPackets::new(Arc::default());
            sent.keep(packet(7, 100, 0));
            let times: Vec<u64> = (0..1_000).filter(|now| found(&mut sent, 7, full, *now).is_ok()).collect();
            assert_eq!(times, expected);
        }
    }

    #[test]
    fn what_is_still_on_its_way_is_not_retransmitted() {
        let mut sent = SentPackets::new(Arc::default());
        sent.keep(packet(7, 100, 0));
        let first =
            |round_trip| (0..1_000).find(|now| sent.find(7, &downstream(Some(round_trip), 0, false, *now)).is_ok());
        assert_eq!([0, 100, 4_000].map(first), [Some(0), Some(90), Some(225)]);
    }

    #[test]
    fn a_packet_has_the_age_of_when_it_was_sent() {
        let mut sent = SentPackets::new(Arc::default());
        sent.keep(packet(7, 100, 100));
        assert_eq!(sent.age(7, Time::from_millis(300)), Some(200));
        assert_eq!(sent.age(8, Time::from_millis(300)), None);
    }

    #[test]
    fn a_receiver_has_no_more_retransmissions_than_its_budget() {
        let mut budget = Budget::default();
        let mut spent = 0;
        for now in 0..10_000 {
            if budget.allows(1_000, &downstream(None, 400_000, true, now)) {
                budget.spend(1_000);
                spent += 1_000;
            }
        }
        assert!((143_000..=146_000).contains(&spent), "{spent}");
    }

    #[test]
    fn half_of_what_may_be_saved_up_is_plenty() {
        let mut budget = Budget::default();
        budget.spend(10_000);
        assert!(budget.is_plentiful());
        budget.spend(1);
        assert!(!budget.is_plentiful());
    }

    #[test]
    fn who_is_delivered_more_may_have_more_retransmissions() {
        for (full, expected) in [(true, 380_000..=396_000), (false, 1_000_000..=1_021_000)] {
            let (mut budget, mut spent) = (Budget::default(), 0);
            for now in 0..10_000 {
                if budget.allows(1_000, &downstream(None, 2_000_000, full, now)) {
                    budget.spend(1_000);
                    spent += 1_000;
                }
            }
            assert!(expected.contains(&spent), "{spent}");
        }
    }

    proptest! {
        /// Whatever is kept, in whatever order: bounds hold, and what is forgotten is given back.
        #[test]
        fn bytes_are_bounded_and_counted(
            packets in prop::collection::vec((0_u64..3_000, 0_usize..2_000, 0_u64..40), 1..800)
        ) {
            let total: Arc<Counter> = Arc::default();
            let mut sent = SentPackets::new(Arc::clone(&total));
            let mut now = 0;
            for (index, length, passed) in packets {
                now += passed;
                sent.keep(packet(index, length, now));
                prop_assert!(sent.bytes() <= MOST_PER_SLOT);
                prop_assert_eq!(sent.bytes(), total.get());
                prop_assert!(sent.packets.iter().zip(sent.packets.iter().skip(1)).all(|(one, next)| one.index < next.index));
            }
            drop(sent);
            prop_assert_eq!(total.get(), 0);
        }
    }

    #[test]
    fn when_everybody_keeps_too_much_nothing_more_is_kept() {
        let total: Arc<Counter> = Arc::default();
        total.add(MOST_IN_TOTAL);
        let mut sent = SentPackets::new(total);
        sent.keep(packet(7, 100, 0));
        assert_eq!(sent.bytes(), 0);
    }
}
