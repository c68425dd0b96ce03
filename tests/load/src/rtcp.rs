//! The RTCP that a browser would write and read: reports (RFC 3550), feedback (RFC 4585, 5104).

const SENDER_REPORT: u8 = 200;
const SOURCE_DESCRIPTION: u8 = 202;
const TRANSPORT_FEEDBACK: u8 = 205;
const PAYLOAD_FEEDBACK: u8 = 206;

const NACK: u8 = 1;
const PICTURE_LOSS: u8 = 1;
const FULL_INTRA_REQUEST: u8 = 4;

/// What the other side asks or tells.
#[derive(Debug, PartialEq)]
pub enum Said {
    /// PLI or FIR about this stream of ours.
    KeyframeWanted(u32),
    /// These packets of this stream of ours are missing.
    Missing(u32, Vec<u16>),
    /// The middle 32 bits of the NTP time in the report of this sender.
    SenderReport(u32, u32),
}

/// What we have received of one stream (RFC 3550 section 6.4.1). Losses are left to the sender's guess.
pub struct ReportBlock {
    pub ssrc: u32,
    pub highest_sequence: u32,
    pub lost: u32,
    /// The last sender report, and how long ago it came in 1/65536 s.
    pub last_report: Option<(u32, u32)>,
}

/// What we have sent of one stream.
pub struct SenderInfo {
    pub ssrc: u32,
    pub ntp: u64,
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// Append a sender report with at most one block.
pub fn write_sender_report(info: &SenderInfo, block: Option<&ReportBlock>, bytes: &mut Vec<u8>) {
    write_header(bytes, u8::from(block.is_some()), SENDER_REPORT, 6 + 6 * usize::from(block.is_some()));
    bytes.extend_from_slice(&info.ssrc.to_be_bytes());
    bytes.extend_from_slice(&info.ntp.to_be_bytes());
    bytes.extend_from_slice(&info.timestamp.to_be_bytes());
    bytes.extend_from_slice(&info.packets.to_be_bytes());
    bytes.extend_from_slice(&info.octets.to_be_bytes());
    if let Some(block) = block {
        bytes.extend_from_slice(&block.ssrc.to_be_bytes());
        bytes.extend_from_slice(&block.lost.min(0x7F_FFFF).to_be_bytes());
        bytes.extend_from_slice(&block.highest_sequence.to_be_bytes());
        bytes.extend_from_slice(&0_u32.to_be_bytes());
        let (report, delay) = block.last_report.unwrap_or_default();
        bytes.extend_from_slice(&report.to_be_bytes());
        bytes.extend_from_slice(&delay.to_be_bytes());
    }
}

/// Append who we are; every compound packet names its sender (RFC 3550 section 6.1).
pub fn write_source_description(ssrc: u32, cname: &str, bytes: &mut Vec<u8>) {
    const CNAME: u8 = 1;
    let words = (2 + cname.len()) / 4 + 1;
    write_header(bytes, 1, SOURCE_DESCRIPTION, 1 + words);
    bytes.extend_from_slice(&ssrc.to_be_bytes());
    bytes.extend_from_slice(&[CNAME, cname.len() as u8]);
    bytes.extend_from_slice(cname.as_bytes());
    bytes.resize(bytes.len() + 4 * words - 2 - cname.len(), 0);
}

/// Append a request for a keyframe of `media`.
pub fn write_picture_loss(sender: u32, media: u32, bytes: &mut Vec<u8>) {
    write_header(bytes, PICTURE_LOSS, PAYLOAD_FEEDBACK, 2);
    bytes.extend_from_slice(&sender.to_be_bytes());
    bytes.extend_from_slice(&media.to_be_bytes());
}

/// Append a request for packets of `media`; `missing` is in order and not empty.
pub fn write_nack(sender: u32, media: u32, missing: &[u16], bytes: &mut Vec<u8>) {
    let mut entries: Vec<(u16, u16)> = Vec::new();
    for &sequence in missing {
        match entries.last_mut() {
            Some((first, mask)) if (1..=16).contains(&sequence.wrapping_sub(*first)) => {
                *mask |= 1 << (sequence.wrapping_sub(*first) - 1);
            }
            _ => entries.push((sequence, 0)),
        }
    }
    write_header(bytes, NACK, TRANSPORT_FEEDBACK, 2 + entries.len());
    bytes.extend_from_slice(&sender.to_be_bytes());
    bytes.extend_from_slice(&media.to_be_bytes());
    for (first, mask) in entries {
        bytes.extend_from_slice(&first.to_be_bytes());
        bytes.extend_from_slice(&mask.to_be_bytes());
    }
}

fn write_header(bytes: &mut Vec<u8>, count: u8, kind: u8, words: usize) {
    bytes.push(0x80 | count);
    bytes.push(kind);
    bytes.extend_from_slice(&(words as u16).to_be_bytes());
}

/// What a plain compound packet says that concerns us. What is not well-formed ends it.
pub fn parse(mut packet: &[u8]) -> Vec<Said> {
    let mut said = Vec::new();
    while let [first, kind, high, low, ..] = *packet {
        let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
        let Some((report, rest)) = packet.split_at_checked(length) else { break };
        match (kind, first & 0x1F) {
            (SENDER_REPORT, _) if length >= 28 => {
                said.push(Said::SenderReport(u32_at(report, 4), u32_at(report, 10)));
            }
            (PAYLOAD_FEEDBACK, PICTURE_LOSS) if length >= 12 => {
                said.push(Said::KeyframeWanted(u32_at(report, 8)));
            }
            (PAYLOAD_FEEDBACK, FULL_INTRA_REQUEST) => {
                let entries = report[4..].chunks_exact(8).skip(1);
                said.extend(entries.map(|entry| Said::KeyframeWanted(u32_at(entry, 0))));
            }
            (TRANSPORT_FEEDBACK, NACK) if length >= 12 => {
                said.push(Said::Missing(u32_at(report, 8), missing(&report[12..])));
            }
            _ => {}
        }
        packet = rest;
    }
    said
}

fn missing(entries: &[u8]) -> Vec<u16> {
    let mut sequences = Vec::new();
    for entry in entries.chunks_exact(4) {
        let (first, mask) = (u16::from_be_bytes([entry[0], entry[1]]), u16::from_be_bytes([entry[2], entry[3]]));
        sequences.push(first);
        sequences.extend((0..16).filter(|bit| mask >> bit & 1 == 1).map(|bit| first.wrapping_add(bit + 1)));
    }
    sequences
}

fn u32_at(report: &[u8], position: usize) -> u32 {
    u32::from_be_bytes([report[position], report[position + 1], report[position + 2], report[position + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_asks_for() {
        let mut bytes = Vec::new();
        let info = SenderInfo { ssrc: 1, ntp: 0x1122_3344_5566_7788, timestamp: 0, packets: 0, octets: 0 };
        let block = ReportBlock { ssrc: 9, highest_sequence: 3, lost: 0, last_report: None };
        write_sender_report(&info, Some(&block), &mut bytes);
        write_source_description(1, "cname", &mut bytes);
        write_picture_loss(1, 2, &mut bytes);
        write_nack(1, 2, &[65_535, 0, 15, 16], &mut bytes);
        let expected =
            [Said::SenderReport(1, 0x3344_5566), Said::KeyframeWanted(2), Said::Missing(2, vec![65_535, 0, 15, 16])];
        assert_eq!(parse(&bytes), expected);
    }

    #[test]
    fn stops_at_a_length_that_is_a_lie() {
        let mut bytes = Vec::new();
        write_picture_loss(1, 2, &mut bytes);
        bytes[3] = 200;
        assert_eq!(parse(&bytes), []);
    }
}
