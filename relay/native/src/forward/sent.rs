//! What a slot sent lately, to be retransmitted to a receiver that misses it (RFC 4588).
//!
//! Payloads lie one behind the other in blocks that all slots have from one budget ([`crate::cache`]). Where that is used
//! up, a slot forgets its own oldest packets for its newest: loss recovery reaches less far back.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::cache::{BLOCK, Block, Cache};
use crate::counters::Reason;
use crate::forward::downstream::Downstream;
use crate::time::Time;

/// Milliseconds for which packets are kept: a little longer than [`MOST_REPEATS`] of the longest round trip take. A second of them
/// would be 40 % of what a person takes in memory.
const AGE: u32 = 800;

/// Blocks kept for one slot, 512 KiB: more than a second at what one person may send. Of two slots with video, a peer
/// has a megabyte at most.
const MOST_PER_SLOT: usize = 64;

/// Times that one packet is retransmitted when the receiver complains, and when the link to it is full.
const MOST_REPEATS: u8 = 6;
const MOST_REPEATS_WHEN_FULL: u8 = 3;

/// Milliseconds between two repeats of one packet: what is assumed of a round trip until it is known, and the
/// bounds within which it is believed.
const ROUND_TRIP: u64 = 100;
const ROUND_TRIPS: (u64, u64) = (40, 250);

/// One packet as it was sent. There are a hundred of one person's picture, and each that leaves looks at the oldest:
/// times are milliseconds that may wrap, and numbers are as long as what is kept needs them.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The slot's packet index, without what is above these bits.
    index: u32,
    at: u32,
    /// As it was sent.
    pub timestamp: u32,
    /// Number of the block in which the payload begins, and where.
    block: u16,
    offset: u16,
    length: u16,
    /// When it was repeated, in milliseconds after it was sent.
    repeated: u16,
    repeats: u8,
    /// Whether it is, or will be, sent once more without a complaint.
    pub duplicated: bool,
    /// See [`crate::wire::rtp::Header::marker`].
    pub marker: bool,
    /// Of its retransmission.
    pub payload_type: u8,
}

impl Sent {
    /// A packet of the slot's `index`, sent now.
    pub fn new(index: u64, marker: bool, payload_type: u8, timestamp: u32, now: Time) -> Self {
        Self {
            index: index as u32,
            at: now.millis(),
            timestamp,
            block: 0,
            offset: 0,
            length: 0,
            repeated: 0,
            repeats: 0,
            duplicated: false,
            marker,
            payload_type,
        }
    }

    /// It was retransmitted.
    pub fn repeated(&mut self, now: Time) {
        self.repeats += 1;
        self.repeated = self.age(now).try_into().unwrap_or(u16::MAX);
    }

    /// Bytes of its payload.
    pub fn length(&self) -> usize {
        usize::from(self.length)
    }

    /// Another thread may have been given a later time than `now`.
    fn age(&self, now: Time) -> u32 {
        (now.millis().wrapping_sub(self.at) as i32).max(0) as u32
    }

    /// By how much its index is above another, if they are less than 2^31 apart.
    fn after(&self, index: u32) -> i32 {
        self.index.wrapping_sub(index) as i32
    }
}

/// A block in which payloads lie.
#[derive(Debug)]
struct Filled {
    block: Block,
    /// Packets that have some of it.
    packets: u16,
}

/// The packets of one slot, in the order of their indices.
#[derive(Debug)]
pub struct SentPackets {
    packets: VecDeque<Sent>,
    /// In the order of filling. A payload may begin in one and end in the next.
    blocks: VecDeque<Filled>,
    /// Number of the first of them.
    first: u16,
    /// Bytes of the last of them that are taken; all, if there is none.
    taken: usize,
    cache: Arc<Cache>,
}

impl SentPackets {
    /// None yet; blocks come from `cache`.
    pub fn new(cache: Arc<Cache>) -> Self {
        Self { packets: VecDeque::new(), blocks: VecDeque::new(), first: 0, taken: BLOCK, cache }
    }

    /// Keep a packet. Where there is no block for it, and none of the slot's own that older ones could leave to it, it is
    /// not kept, as if it had aged already.
    pub fn keep(&mut self, mut packet: Sent, payload: &[u8], now: Time) {
        self.forget_old(now);
        // Nearly all come in order; a search would go through memory that no cache holds.
        let comes_last = self.packets.back().is_none_or(|newest| newest.after(packet.index) < 0);
        if payload.len() > BLOCK || (!comes_last && self.find_index(packet.index).is_ok()) {
            return;
        }
        let mut fresh = None;
        if self.blocks.is_empty() || self.taken + payload.len() > BLOCK {
            fresh = self.fetch();
            if fresh.is_none() {
                return;
            }
        }
        packet.length = payload.len() as u16;
        (packet.block, packet.offset) = self.write(payload, fresh);
        // Older ones may have been forgotten for it, so that its place is another one than before.
        let at = if comes_last { self.packets.len() } else { self.find_index(packet.index).unwrap_or_else(|at| at) };
        self.packets.insert(at, packet);
    }

    /// The packet with this sequence number.
    pub fn get(&mut self, sequence: u16) -> Option<&mut Sent> {
        let at = self.find_place(sequence)?;
        self.packets.get_mut(at)
    }

    /// Its payload, in the one or two pieces in which it is kept.
    pub fn payload(&self, packet: &Sent) -> [&[u8]; 2] {
        let (at, start) = (self.place_of(packet), usize::from(packet.offset));
        let end = start + packet.length();
        let piece = |at: usize, from: usize, to: usize| {
            self.blocks.get(at).and_then(|filled| filled.block.get(from..to)).unwrap_or_default()
        };
        [piece(at, start, end.min(BLOCK)), piece(at + 1, 0, end.saturating_sub(BLOCK))]
    }

    /// Milliseconds since the packet with this sequence number was sent.
    pub fn age(&self, sequence: u16, now: Time) -> Option<u64> {
        let packet = self.packets.get(self.find_place(sequence)?)?;
        Some(packet.age(now).into())
    }

    /// The packet with this sequence number, if it may be retransmitted now because its receiver complained.
    pub fn find(&mut self, sequence: u16, downstream: &Downstream) -> Result<&mut Sent, Reason> {
        let Downstream { round_trip, now, .. } = *downstream;
        let packet = self.get(sequence).ok_or(Reason::NotKept)?;
        let most = if downstream.full { MOST_REPEATS_WHEN_FULL } else { MOST_REPEATS };
        let wait = round_trip.unwrap_or(ROUND_TRIP).clamp(ROUND_TRIPS.0, ROUND_TRIPS.1);
        let age = packet.age(now);
        if age > AGE {
            return Err(Reason::NotKept);
        }
        let age = u64::from(age);
        // A tenth less, so that a repeated complaint which was not held up on its way counts.
        let too_soon = packet.repeats > 0 && age.saturating_sub(packet.repeated.into()) < wait * 9 / 10;
        // Nobody misses what is still on its way: this complaint is about the packet's link to us, and was recovered.
        let on_its_way = round_trip.is_some_and(|round_trip| age < round_trip.min(ROUND_TRIPS.1) * 9 / 10);
        if on_its_way || too_soon || packet.repeats >= most {
            return Err(Reason::RepeatedAlready);
        }
        Ok(packet)
    }

    /// Forget packets that nobody can use any more.
    pub fn forget_old(&mut self, now: Time) {
        while self.packets.front().is_some_and(|oldest| oldest.age(now) > AGE) {
            self.forget_oldest();
        }
    }

    /// Forget everything.
    pub fn clear(&mut self) {
        while self.forget_oldest() {}
        self.packets.shrink_to_fit();
    }

    /// Bytes of the blocks in which packets are kept.
    pub fn bytes(&self) -> u64 {
        (self.blocks.len() * BLOCK) as u64
    }

    fn find_place(&self, sequence: u16) -> Option<usize> {
        let newest = self.packets.back()?.index;
        let behind = (newest as u16).wrapping_sub(sequence) as i16;
        self.find_index(newest.wrapping_sub(i32::from(behind) as u32)).ok()
    }

    /// Where the packet is, or where it would have to be.
    fn find_index(&self, index: u32) -> Result<usize, usize> {
        self.packets.binary_search_by(|kept| kept.after(index).cmp(&0))
    }

    /// A block to go on in. Only if everybody's are in use is anything forgotten for it.
    fn fetch(&mut self) -> Option<Block> {
        while self.blocks.len() >= MOST_PER_SLOT && self.forget_oldest() {}
        loop {
            let block = self.cache.take();
            if block.is_some() || !self.forget_oldest() {
                return block;
            }
        }
    }

    /// Write a payload behind what is kept: what does not fit there goes to the beginning of `fresh`. Gives where it begins.
    fn write(&mut self, payload: &[u8], fresh: Option<Block>) -> (u16, u16) {
        let (head, tail) = payload.split_at(payload.len().min(BLOCK - self.taken));
        let mut begin = (self.first.wrapping_add(self.blocks.len() as u16), 0);
        if !head.is_empty() || fresh.is_none() {
            if let Some(last) = self.blocks.back_mut() {
                begin = (begin.0.wrapping_sub(1), self.taken as u16);
                last.block[self.taken..][..head.len()].copy_from_slice(head);
                last.packets += 1;
                self.taken += head.len();
            }
        }
        if let Some(mut block) = fresh {
            block[..tail.len()].copy_from_slice(tail);
            self.blocks.push_back(Filled { block, packets: 1 });
            self.taken = tail.len();
        }
        begin
    }

    fn forget_oldest(&mut self) -> bool {
        let Some(oldest) = self.packets.pop_front() else { return false };
        let (at, pieces) =
            (self.place_of(&oldest), if usize::from(oldest.offset) + oldest.length() > BLOCK { 2 } else { 1 });
        for filled in self.blocks.iter_mut().skip(at).take(pieces) {
            filled.packets -= 1;
        }
        while self.blocks.front().is_some_and(|first| first.packets == 0) {
            if let Some(emptied) = self.blocks.pop_front() {
                self.cache.give_back(emptied.block);
                self.first = self.first.wrapping_add(1);
            }
        }
        if self.blocks.is_empty() {
            self.taken = BLOCK;
        }
        true
    }

    /// Which of the blocks its payload begins in.
    fn place_of(&self, packet: &Sent) -> usize {
        packet.block.wrapping_sub(self.first).into()
    }
}

impl Drop for SentPackets {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// A packet whose bytes tell its index.
    fn keep(sent: &mut SentPackets, index: u64, length: usize, millis: u64) {
        let now = Time::from_millis(millis);
        sent.keep(Sent::new(index, false, 97, 0, now), &vec![index as u8; length], now);
    }

    fn downstream(round_trip: Option<u64>, delivered: u64, full: bool, millis: u64) -> Downstream {
        Downstream { round_trip, delivered, lossy: false, full, now: Time::from_millis(millis) }
    }

    fn found(sent: &mut SentPackets, sequence: u16, full: bool, millis: u64) -> Result<u64, Reason> {
        let packet = sent.find(sequence, &downstream(None, 0, full, millis))?;
        packet.repeated(Time::from_millis(millis));
        Ok(u64::from(packet.index))
    }

    #[test]
    fn a_packet_is_found_by_its_sequence_number_across_a_wrap_until_it_is_old() {
        let mut sent = SentPackets::new(Arc::default());
        for index in 65_530..65_545 {
            keep(&mut sent, index, 100, index - 65_530);
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
            keep(&mut sent, 7, 100, 0);
            let times: Vec<u64> = (0..1_000).filter(|now| found(&mut sent, 7, full, *now).is_ok()).collect();
            assert_eq!(times, expected);
        }
    }

    #[test]
    fn what_is_still_on_its_way_is_not_retransmitted() {
        let mut sent = SentPackets::new(Arc::default());
        keep(&mut sent, 7, 100, 0);
        let first =
            |round_trip| (0..1_000).find(|now| sent.find(7, &downstream(Some(round_trip), 0, false, *now)).is_ok());
        assert_eq!([0, 100, 4_000].map(first), [Some(0), Some(90), Some(225)]);
    }

    #[test]
    fn a_packet_has_the_age_of_when_it_was_sent() {
        let mut sent = SentPackets::new(Arc::default());
        keep(&mut sent, 7, 100, 100);
        assert_eq!(sent.age(7, Time::from_millis(300)), Some(200));
        assert_eq!(sent.age(8, Time::from_millis(300)), None);
    }

    /// Of each packet that is kept, its index and its bytes, put together again.
    fn told(sent: &SentPackets) -> Vec<(u32, Vec<u8>)> {
        sent.packets.iter().map(|packet| (packet.index, sent.payload(packet).concat())).collect()
    }

    #[test]
    fn a_payload_is_given_as_it_was_wherever_a_block_ends() {
        let mut sent = SentPackets::new(Arc::default());
        let lengths = [BLOCK - 1, 2, BLOCK - 1, 1, BLOCK, 7, BLOCK - 7, 1];
        for (index, length) in lengths.iter().enumerate() {
            keep(&mut sent, index as u64, *length, 0);
        }
        keep(&mut sent, 100, BLOCK + 1, 0);
        let expected: Vec<_> = lengths.iter().zip(0..).map(|(length, at)| (at, vec![at as u8; *length])).collect();
        assert_eq!(told(&sent), expected);
        assert_eq!(sent.blocks.len(), lengths.iter().sum::<usize>().div_ceil(BLOCK));
    }

    proptest! {
        /// Whatever is kept, in whatever order: bounds hold, what is told is what was kept, and what is forgotten is given back.
        #[test]
        fn bytes_are_bounded_and_counted(
            packets in prop::collection::vec((0_u64..3_000, 0_usize..2_000, 0_u64..40), 1..800), most in 0_u64..100
        ) {
            let cache = Arc::new(Cache::new(most * BLOCK as u64));
            let mut sent = SentPackets::new(Arc::clone(&cache));
            let (mut now, mut lengths) = (0, HashMap::new());
            for (index, length, passed) in packets {
                now += passed;
                sent.forget_old(Time::from_millis(now));
                if sent.find_index(index as u32).is_err() {
                    lengths.insert(index as u32, length);
                }
                keep(&mut sent, index, length, now);
                prop_assert!(sent.blocks.len() <= MOST_PER_SLOT.min(most as usize));
                prop_assert_eq!(sent.bytes(), cache.bytes());
                prop_assert!(sent.packets.iter().zip(sent.packets.iter().skip(1)).all(|(one, next)| one.index < next.index));
                prop_assert!(sent.blocks.iter().next().is_none_or(|first| first.packets > 0));
            }
            for (index, bytes) in told(&sent) {
                prop_assert_eq!(bytes, vec![index as u8; lengths[&index]]);
            }
            drop(sent);
            prop_assert_eq!(cache.bytes(), 0);
        }
    }

    #[test]
    fn a_slot_keeps_no_more_than_its_share_however_much_there_is() {
        let mut sent = SentPackets::new(Arc::default());
        (0..3_000).for_each(|index| keep(&mut sent, index, 1_000, 0));
        assert_eq!(sent.blocks.len(), MOST_PER_SLOT);
        assert!(sent.get(2_999).is_some() && sent.get(2_999 - (63 * BLOCK / 1_000) as u16).is_some());
    }

    #[test]
    fn where_everybody_keeps_too_much_a_slot_forgets_its_own_oldest_for_its_newest() {
        let cache = Arc::new(Cache::new(4 * BLOCK as u64));
        let mut others = SentPackets::new(Arc::clone(&cache));
        keep(&mut others, 1, BLOCK, 0);
        keep(&mut others, 2, BLOCK, 0);
        let mut sent = SentPackets::new(Arc::clone(&cache));
        (0..100).for_each(|index| keep(&mut sent, index, BLOCK / 2, 0));
        let kept: Vec<u32> = sent.packets.iter().map(|packet| packet.index).collect();
        assert_eq!((kept, cache.refused()), (vec![96, 97, 98, 99], 96));
        assert_eq!(others.packets.len(), 2, "nobody else pays for it");
        // Who has nothing to forget keeps nothing, until there is room again.
        let mut newcomer = SentPackets::new(cache);
        keep(&mut newcomer, 7, 100, 0);
        assert_eq!(newcomer.bytes(), 0);
        drop(others);
        keep(&mut newcomer, 8, 100, 0);
        assert_eq!(newcomer.packets.len(), 1);
    }

    #[test]
    fn a_clock_that_wraps_and_a_thread_that_is_a_little_behind_forget_nothing() {
        let mut sent = SentPackets::new(Arc::default());
        let wrap = 1 << 32;
        keep(&mut sent, 1, 100, wrap - 10);
        keep(&mut sent, 2, 100, wrap + 10);
        sent.forget_old(Time::from_millis(wrap - 11));
        assert_eq!(sent.age(1, Time::from_millis(wrap + 20)), Some(30));
        assert_eq!(sent.age(1, Time::from_millis(wrap - 11)), Some(0));
        sent.forget_old(Time::from_millis(wrap + 791));
        assert_eq!((sent.get(1).is_some(), sent.get(2).is_some()), (false, true));
    }
}
