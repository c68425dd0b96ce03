//! Transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01).
//!
//! The sender numbers all its packets, retransmissions and probes too; we tell it when each arrived.

use std::collections::VecDeque;

use crate::time::Time;

/// Packets that one message reports on at most: a full message stays below an Ethernet frame.
const PER_MESSAGE: usize = 400;

/// Numbers that are kept at most, whether their packets came or not: what a second's messages tell. A sender who counts
/// further between two messages begins anew.
const MOST: i64 = 4_000;

/// Reported packets that are kept, so that a late one can be reported together with its neighbours.
const REPEATED: i64 = 64;

/// Nanoseconds in a unit of arrival deltas (250 us), and units in one of the reference time (64 ms).
const DELTA: u64 = 250_000;
const REFERENCE: i64 = 256;

/// Arrivals that were not reported yet, and a few that were.
#[derive(Debug, Default)]
pub struct TransportFeedback {
    /// When each packet from `start` on arrived.
    arrivals: VecDeque<Option<Time>>,
    start: i64,
    /// The first packet of the next message.
    next: i64,
    pending: bool,
    messages: u8,
}

impl TransportFeedback {
    /// The packet with this transport-wide number arrived.
    pub fn record(&mut self, number: u16, now: Time) {
        let end = self.start + self.arrivals.len() as i64;
        let step = i64::from(number.wrapping_sub(end as u16) as i16);
        let number_in_full = end + step;
        if self.arrivals.is_empty() || self.arrivals.len() as i64 + step >= MOST {
            self.arrivals.clear();
            self.start = i64::from(number);
            self.next = self.start;
            self.arrivals.push_back(Some(now));
        } else if step >= 0 {
            self.arrivals.resize(self.arrivals.len() + step as usize, None);
            self.arrivals.push_back(Some(now));
        } else if let Ok(at) = usize::try_from(number_in_full - self.start) {
            // Late: report it, and again those behind it. Twice the same number keeps its first arrival.
            if self.arrivals[at].is_none() {
                self.arrivals[at] = Some(now);
                self.next = self.next.min(number_in_full);
            }
        } else {
            return;
        }
        self.pending = true;
    }

    /// Append messages about everything that arrived since the last time; whether there was anything.
    pub fn write(&mut self, sender: u32, media: u32, packets: &mut Vec<u8>) -> bool {
        if !std::mem::take(&mut self.pending) {
            return false;
        }
        let mut at = (self.next - self.start).max(0) as usize;
        while at < self.arrivals.len() {
            let count = (self.arrivals.len() - at).min(PER_MESSAGE);
            // Without any arrival there is nothing to refer times to; a gap that long is no news either.
            if self.arrivals.iter().skip(at).take(count).any(Option::is_some) {
                self.write_message(sender, media, at, count, packets);
            }
            at += count;
        }
        self.next = self.start + self.arrivals.len() as i64;
        while self.start < self.next - REPEATED {
            self.arrivals.pop_front();
            self.start += 1;
        }
        true
    }

    fn write_message(&mut self, sender: u32, media: u32, first: usize, count: usize, packets: &mut Vec<u8>) {
        const TRANSPORT_FEEDBACK: u8 = 205;
        const FORMAT: u8 = 15;
        let arrivals = || self.arrivals.iter().skip(first).take(count);
        let reference = arrivals().flatten().next().map_or(0, |time| units(*time)) / REFERENCE;
        let start = packets.len();
        packets.extend_from_slice(&[0x80 | FORMAT, TRANSPORT_FEEDBACK, 0, 0]);
        packets.extend_from_slice(&sender.to_be_bytes());
        packets.extend_from_slice(&media.to_be_bytes());
        packets.extend_from_slice(&((self.start + first as i64) as u16).to_be_bytes());
        packets.extend_from_slice(&(count as u16).to_be_bytes());
        packets.extend_from_slice(&(reference as u32).to_be_bytes()[1..]);
        packets.push(self.messages);
        let mut symbols = Vec::with_capacity(count);
        let mut deltas = Vec::with_capacity(count);
        let mut before = reference * REFERENCE;
        for arrival in arrivals() {
            symbols.push(match arrival {
                None => NOT_RECEIVED,
                Some(time) => {
                    let delta = (units(*time) - before).clamp(i64::from(i16::MIN), i64::from(i16::MAX));
                    before += delta;
                    if let Ok(small) = u8::try_from(delta) {
                        deltas.push(small);
                        SMALL_DELTA
                    } else {
                        deltas.extend_from_slice(&(delta as i16).to_be_bytes());
                        LARGE_DELTA
                    }
                }
            });
        }
        write_chunks(&symbols, packets);
        packets.extend_from_slice(&deltas);
        // RTCP is counted in words; padding says its own length in its last byte (RFC 3550 section 6.4.1).
        let padding = (packets.len() - start).next_multiple_of(4) - (packets.len() - start);
        if padding > 0 {
            packets.resize(packets.len() + padding - 1, 0);
            packets.push(padding as u8);
            packets[start] |= 0x20;
        }
        let words = ((packets.len() - start) / 4 - 1) as u16;
        packets[start + 2..start + 4].copy_from_slice(&words.to_be_bytes());
        self.messages = self.messages.wrapping_add(1);
    }
}

const NOT_RECEIVED: u16 = 0;
const SMALL_DELTA: u16 = 1;
const LARGE_DELTA: u16 = 2;

fn units(time: Time) -> i64 {
    (time.nanos() / DELTA) as i64
}

/// Runs of one symbol where they are long (section 3.1.3), else vectors of seven (section 3.1.4).
fn write_chunks(symbols: &[u16], packets: &mut Vec<u8>) {
    const PER_VECTOR: usize = 7;
    const LONGEST_RUN: usize = 0x1fff;
    let mut rest = symbols;
    while let Some(symbol) = rest.first() {
        let run = rest.iter().take(LONGEST_RUN).take_while(|other| *other == symbol).count();
        let (chunk, length) = if run > PER_VECTOR || run == rest.len() {
            (symbol << 13 | run as u16, run)
        } else {
            let length = rest.len().min(PER_VECTOR);
            let vector = rest[..length]
                .iter()
                .enumerate()
                .fold(0xc000, |vector, (at, symbol)| vector | symbol << (2 * (PER_VECTOR - 1 - at)));
            (vector, length)
        };
        packets.extend_from_slice(&chunk.to_be_bytes());
        rest = &rest[length..];
    }
}

#[cfg(test)]
mod tests;
