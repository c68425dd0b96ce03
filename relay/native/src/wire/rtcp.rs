//! RTCP (RFC 3550, RFC 4585, RFC 5104): the few packets we act on, and those we write.

use crate::wire::bytes::{u16_at, u32_at};

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;
const NACK: u8 = 1;
const PLI: u8 = 1;
const FIR: u8 = 4;
const APPLICATION_LAYER: u8 = 15;

/// The same for everybody: it says nothing about anyone (RFC 7022). `relay/peer/negotiation.py` says it too.
const CNAME: &[u8] = b"relay";

/// A packet that means something to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet {
    /// What time it is at the sender of a line.
    SenderReport {
        /// The line's stream.
        ssrc: u32,
        /// The moment.
        anchor: Anchor,
    },
    /// How a slot arrives, by its receiver.
    Report(ReportBlock),
    /// The peer estimates that it can receive so much (REMB, draft-alvestrand-rmcat-remb-03).
    Estimate {
        /// Bits per second.
        bitrate: u64,
    },
    /// The receiver of a slot misses packets (RFC 4585 section 6.2.1).
    Nack {
        /// The slot's stream.
        ssrc: u32,
        /// The first of them.
        sequence: u16,
        /// Bit n is set for the packet n + 1 later.
        following: u16,
    },
    /// The receiver of a slot lost the picture (PLI, FIR).
    KeyframeRequest {
        /// The slot's stream.
        ssrc: u32,
    },
}

/// One sender report's moment, on both of the sender's clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The sender's NTP time.
    pub ntp: u64,
    /// The RTP timestamp of one line at that time.
    pub rtp: u32,
}

/// Malformed: nothing more of the datagram can be read.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed;

/// Read a compound packet, and give what matters of it, in order, to `act`.
pub fn read(compound: &[u8], mut act: impl FnMut(Packet)) -> Result<(), Malformed> {
    let mut rest = compound;
    while !rest.is_empty() {
        let length = 4 * (usize::from(u16_at(rest, 2).ok_or(Malformed)?) + 1);
        let (packet, next) = rest.split_at_checked(length).ok_or(Malformed)?;
        if packet[0] >> 6 != 2 {
            return Err(Malformed);
        }
        rest = next;
        match (packet[1], packet[0] & 31) {
            (SENDER_REPORT, _) => {
                let field = |at| u32_at(packet, at).ok_or(Malformed);
                let ntp = u64::from(field(8)?) << 32 | u64::from(field(12)?);
                act(Packet::SenderReport { ssrc: field(4)?, anchor: Anchor { ntp, rtp: field(16)? } });
                read_blocks(packet, 28, &mut act)?;
            }
            (RECEIVER_REPORT, _) => read_blocks(packet, 8, &mut act)?,
            (TRANSPORT_FEEDBACK, NACK) => {
                let ssrc = u32_at(packet, 8).ok_or(Malformed)?;
                for entry in packet.get(12..).ok_or(Malformed)?.chunks_exact(4) {
                    let (sequence, following) =
                        (u16::from_be_bytes([entry[0], entry[1]]), u16::from_be_bytes([entry[2], entry[3]]));
                    act(Packet::Nack { ssrc, sequence, following });
                }
            }
            (PAYLOAD_FEEDBACK, PLI) => {
                act(Packet::KeyframeRequest { ssrc: u32_at(packet, 8).ok_or(Malformed)? });
            }
            (PAYLOAD_FEEDBACK, APPLICATION_LAYER) if packet.get(12..16) == Some(b"REMB") => {
                let word = u32_at(packet, 16).ok_or(Malformed)?;
                let bitrate = u128::from(word & 0x3_ffff) << (word >> 18 & 63);
                act(Packet::Estimate { bitrate: u64::try_from(bitrate).unwrap_or(u64::MAX) });
            }
            // FIR names its streams in entries of eight bytes (RFC 5104 section 4.3.1).
            (PAYLOAD_FEEDBACK, FIR) => {
                for entry in packet.get(12..).ok_or(Malformed)?.chunks_exact(8) {
                    act(Packet::KeyframeRequest { ssrc: u32_at(entry, 0).ok_or(Malformed)? });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The blocks of a report, which begin at `start`.
fn read_blocks(packet: &[u8], start: usize, act: &mut impl FnMut(Packet)) -> Result<(), Malformed> {
    for number in 0..usize::from(packet[0] & 31) {
        let field = |at| u32_at(packet, start + 24 * number + at).ok_or(Malformed);
        let loss = field(4)?;
        act(Packet::Report(ReportBlock {
            ssrc: field(0)?,
            fraction_lost: (loss >> 24) as u8,
            lost: loss & 0x00ff_ffff,
            highest: field(8)?,
            jitter: field(12)?,
            last_report: field(16)?,
            delay: field(20)?,
        }));
    }
    Ok(())
}

/// How one stream of the receiver of a report arrives (RFC 3550 section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the fields are the RFC's
pub struct ReportBlock {
    pub ssrc: u32,
    pub fraction_lost: u8,
    pub lost: u32,
    pub highest: u32,
    pub jitter: u32,
    pub last_report: u32,
    pub delay: u32,
}

impl ReportBlock {
    /// Milliseconds there and back: what passed since our report until the NTP time `now`, without the time the
    /// receiver kept it (RFC 3550 section 6.4.1). None if it had no report, or it can't be believed.
    pub fn round_trip(&self, now: u64) -> Option<u64> {
        /// Seconds.
        const LONGEST: u32 = 5;
        let passed = ((now >> 16) as u32).wrapping_sub(self.last_report);
        let units = passed.checked_sub(self.delay).filter(|units| self.last_report != 0 && *units < LONGEST << 16)?;
        Some((u64::from(units) * 1_000) >> 16)
    }
}

/// What we say of a stream that we send.
#[derive(Clone, Copy, Debug)]
pub struct SenderInfo {
    /// The stream.
    pub ssrc: u32,
    /// One moment on both clocks.
    pub anchor: Anchor,
    /// Packets and payload bytes so far.
    pub sent: (u32, u32),
}

/// Append a sender report without blocks.
pub fn write_sender_report(info: SenderInfo, packets: &mut Vec<u8>) {
    write_head(packets, 0, SENDER_REPORT, 6, info.ssrc);
    packets.extend_from_slice(&info.anchor.ntp.to_be_bytes());
    for word in [info.anchor.rtp, info.sent.0, info.sent.1] {
        packets.extend_from_slice(&word.to_be_bytes());
    }
}

/// Append a receiver report from `sender`; of at most 31 blocks.
pub fn write_receiver_report(sender: u32, blocks: &[ReportBlock], packets: &mut Vec<u8>) {
    let blocks = &blocks[..blocks.len().min(31)];
    write_head(packets, blocks.len() as u8, RECEIVER_REPORT, 1 + 6 * blocks.len() as u16, sender);
    for block in blocks {
        let loss = u32::from(block.fraction_lost) << 24 | block.lost & 0x00ff_ffff;
        for word in [block.ssrc, loss, block.highest, block.jitter, block.last_report, block.delay] {
            packets.extend_from_slice(&word.to_be_bytes());
        }
    }
}

/// Append a source description with our CNAME for `ssrc`.
pub fn write_source_description(ssrc: u32, packets: &mut Vec<u8>) {
    const CNAME_ITEM: u8 = 1;
    // The item, and at least one zero byte up to the next word.
    let words = (2 + CNAME.len() + 1).div_ceil(4);
    write_head(packets, 1, SOURCE_DESCRIPTION, 1 + words as u16, ssrc);
    let start = packets.len();
    packets.push(CNAME_ITEM);
    packets.push(CNAME.len() as u8);
    packets.extend_from_slice(CNAME);
    packets.resize(start + 4 * words, 0);
}

/// Append a goodbye of our streams; of at most 31.
pub fn write_bye(ssrcs: &[u32], packets: &mut Vec<u8>) {
    if let Some((first, others)) = ssrcs[..ssrcs.len().min(31)].split_first() {
        write_head(packets, 1 + others.len() as u8, BYE, 1 + others.len() as u16, *first);
        for ssrc in others {
            packets.extend_from_slice(&ssrc.to_be_bytes());
        }
    }
}

/// Append a request for a keyframe of `media` (RFC 4585 section 6.3.1).
pub fn write_pli(sender: u32, media: u32, packets: &mut Vec<u8>) {
    write_head(packets, PLI, PAYLOAD_FEEDBACK, 2, sender);
    packets.extend_from_slice(&media.to_be_bytes());
}

/// Append NACKs of `media` for packets in ascending order (RFC 4585 section 6.2.1); of at most 253 entries.
pub fn write_nack(sender: u32, media: u32, missing: &[u16], packets: &mut Vec<u8>) {
    let mut entries: Vec<(u16, u16)> = Vec::new();
    for sequence in missing {
        match entries.last_mut() {
            Some((first, following)) if (1..=16).contains(&sequence.wrapping_sub(*first)) => {
                *following |= 1 << (sequence.wrapping_sub(*first) - 1);
            }
            _ => entries.push((*sequence, 0)),
        }
    }
    entries.truncate(253);
    write_head(packets, NACK, TRANSPORT_FEEDBACK, 2 + entries.len() as u16, sender);
    packets.extend_from_slice(&media.to_be_bytes());
    for (sequence, following) in entries {
        packets.extend_from_slice(&sequence.to_be_bytes());
        packets.extend_from_slice(&following.to_be_bytes());
    }
}

/// Append a REMB: `media` together may send `bitrate` bits per second (draft-alvestrand-rmcat-remb-03).
pub fn write_remb(sender: u32, bitrate: u64, media: &[u32], packets: &mut Vec<u8>) {
    let media = &media[..media.len().min(255)];
    write_head(packets, APPLICATION_LAYER, PAYLOAD_FEEDBACK, 4 + media.len() as u16, sender);
    packets.extend_from_slice(&[0; 4]);
    packets.extend_from_slice(b"REMB");
    // 18 bits of mantissa.
    let exponent = (64 - bitrate.leading_zeros()).saturating_sub(18);
    let mantissa = (bitrate >> exponent) as u32;
    packets.extend_from_slice(&((media.len() as u32) << 24 | exponent << 18 | mantissa).to_be_bytes());
    for ssrc in media {
        packets.extend_from_slice(&ssrc.to_be_bytes());
    }
}

/// `words` counts 32-bit words behind the first.
fn write_head(packets: &mut Vec<u8>, count: u8, kind: u8, words: u16, ssrc: u32) {
    packets.extend_from_slice(&[0x80 | count, kind]);
    packets.extend_from_slice(&words.to_be_bytes());
    packets.extend_from_slice(&ssrc.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn packets(compound: &[u8]) -> Result<Vec<Packet>, Malformed> {
        let mut found = Vec::new();
        read(compound, |packet| found.push(packet)).map(|()| found)
    }

    #[test]
    fn what_is_written_is_well_formed_and_read() {
        let anchor = Anchor { ntp: 0x0123_4567_89ab_cdef, rtp: 42 };
        let mut compound = Vec::new();
        write_sender_report(SenderInfo { ssrc: 1, anchor, sent: (2, 3) }, &mut compound);
        let block = ReportBlock { ssrc: 9, fraction_lost: 1, lost: 2, highest: 3, jitter: 4, last_report: 5, delay: 6 };
        write_receiver_report(1, &[block, block], &mut compound);
        write_source_description(1, &mut compound);
        write_pli(1, 77, &mut compound);
        write_remb(1, 10_000_000, &[5, 6], &mut compound);
        write_bye(&[1, 2, 3], &mut compound);
        let expected = vec![
            Packet::SenderReport { ssrc: 1, anchor },
            Packet::Report(block),
            Packet::Report(block),
            Packet::KeyframeRequest { ssrc: 77 },
            Packet::Estimate { bitrate: 10_000_000 / 64 * 64 },
        ];
        assert_eq!(packets(&compound), Ok(expected));
    }

    #[test]
    fn a_fir_names_each_stream() {
        let fir = b"\x84\xce\0\x06\0\0\0\x01\0\0\0\0\0\0\0\x07\x01\0\0\0\0\0\0\x08\x01\0\0\0";
        let expected = vec![Packet::KeyframeRequest { ssrc: 7 }, Packet::KeyframeRequest { ssrc: 8 }];
        assert_eq!(packets(fir), Ok(expected));
    }

    #[test]
    fn another_version_is_malformed_and_what_is_behind_it_is_not_read() {
        let mut compound = Vec::new();
        for _ in 0..3 {
            write_pli(1, 77, &mut compound);
        }
        compound[12] = 0x41;
        let mut read_before = 0;
        assert_eq!(read(&compound, |_| read_before += 1), Err(Malformed));
        assert_eq!(read_before, 1);
    }

    #[test]
    fn who_sends_as_well_reports_in_a_sender_s_report() {
        let anchor = Anchor { ntp: 7, rtp: 42 };
        let block = ReportBlock { ssrc: 9, fraction_lost: 1, lost: 2, highest: 3, jitter: 4, last_report: 5, delay: 6 };
        let (mut compound, mut blocks) = (Vec::new(), Vec::new());
        write_sender_report(SenderInfo { ssrc: 1, anchor, sent: (2, 3) }, &mut compound);
        write_receiver_report(1, &[block, block], &mut blocks);
        // The same blocks, behind what the sender says of itself (RFC 3550 section 6.4.1).
        compound.extend_from_slice(&blocks[8..]);
        compound[0] |= 2;
        compound[3] += 12;
        let expected = vec![Packet::SenderReport { ssrc: 1, anchor }, Packet::Report(block), Packet::Report(block)];
        assert_eq!(packets(&compound), Ok(expected));
    }

    fn told(bitrate: u64) -> Vec<Packet> {
        let mut packet = Vec::new();
        write_remb(1, bitrate, &[5], &mut packet);
        packets(&packet).unwrap_or_default()
    }

    #[test]
    fn a_bitrate_has_18_significant_bits() {
        let estimate = |bitrate| vec![Packet::Estimate { bitrate }];
        for exact in [0, 1, 150_000, (1 << 18) - 1, 1 << 18, (1 << 20) - 4, 1 << 63] {
            assert_eq!(told(exact), estimate(exact));
        }
        assert_eq!(told(10_000_000), estimate(10_000_000 / 64 * 64));
        assert_eq!(told((1 << 18) + 1), estimate(1 << 18));
        assert_eq!(told(u64::MAX), estimate(u64::MAX << 46));
    }

    #[test]
    fn a_round_trip_is_believed_if_it_can_be_one() {
        let round_trip = |since_report: u32, delay: u32| {
            let (now, last_report) = (100 << 32, (100 << 16) - since_report);
            ReportBlock { ssrc: 9, fraction_lost: 0, lost: 0, highest: 0, jitter: 0, last_report, delay }
                .round_trip(now)
        };
        assert_eq!(round_trip(3 << 16, 1 << 16), Some(2_000));
        assert_eq!(round_trip(5 << 16, 1), Some(4_999));
        assert_eq!(round_trip(5 << 16, 0), None, "five seconds and more are a mistake");
        assert_eq!(round_trip(1 << 16, 2 << 16), None, "nobody keeps a report for longer than since it was sent");
        assert_eq!(round_trip(100 << 16, 99 << 16), None, "there was no report");
    }

    proptest! {
        #[test]
        fn what_is_missing_is_named_exactly(start: u16, steps in prop::collection::vec(1_u16..40, 1..100)) {
            let missing: Vec<u16> = steps.iter().scan(start, |at, step| { *at = at.wrapping_add(*step); Some(*at) }).collect();
            let (mut compound, mut named) = (Vec::new(), Vec::new());
            write_nack(1, 9, &missing, &mut compound);
            for packet in packets(&compound).unwrap_or_default() {
                let Packet::Nack { ssrc: 9, sequence, following } = packet else { continue };
                named.push(sequence);
                named.extend((0..16).filter(|bit| following >> bit & 1 != 0).map(|bit| sequence.wrapping_add(bit + 1)));
            }
            prop_assert_eq!(named, missing);
        }

        #[test]
        fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            let _ = packets(&bytes);
        }
    }
}
