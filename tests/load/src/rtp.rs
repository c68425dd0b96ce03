//! RTP headers (RFC 3550 section 5.1) with one-byte extensions (RFC 8285 section 4.2).

const FIXED: usize = 12;
const EXTENSION_BIT: u8 = 0x10;
const ONE_BYTE_FORM: u16 = 0xBEDE;

/// Whether a datagram of the RTP range is RTCP (RFC 5761 section 4).
pub fn is_rtcp(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// Bytes before the payload; None when the packet is shorter than it claims.
pub fn header_length(packet: &[u8]) -> Option<usize> {
    let first = *packet.first()?;
    let mut length = FIXED + 4 * usize::from(first & 0x0F);
    if first & EXTENSION_BIT != 0 {
        length += 4 + 4 * usize::from(u16_at(packet, length + 2)?);
    }
    (packet.len() >= length.max(FIXED)).then_some(length)
}

/// Of a packet whose `header_length` is known.
pub fn ssrc(packet: &[u8]) -> u32 {
    u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]])
}

/// Of a packet whose `header_length` is known.
pub fn sequence(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[2], packet[3]])
}

/// Who sends an RTCP packet of at least 8 bytes.
pub fn sender_ssrc(packet: &[u8]) -> u32 {
    u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]])
}

/// What a receiver needs to know of one packet.
#[derive(Debug, PartialEq)]
pub struct Received<'packet> {
    pub ssrc: u32,
    pub sequence: u16,
    pub payload: &'packet [u8],
}

/// Take a plain packet apart, padding removed.
pub fn parse(packet: &[u8]) -> Option<Received<'_>> {
    let header = header_length(packet)?;
    let padding = if packet[0] & 0x20 != 0 { usize::from(*packet.last()?) } else { 0 };
    let end = packet.len().checked_sub(padding).filter(|end| *end >= header)?;
    Some(Received { ssrc: ssrc(packet), sequence: sequence(packet), payload: &packet[header..end] })
}

/// Ids that the answer gave to the extensions of one section.
#[derive(Clone, Debug, Default)]
pub struct ExtensionIds {
    pub mid: Option<u8>,
    pub abs_send_time: Option<u8>,
    pub transport_cc: Option<u8>,
    pub audio_level: Option<u8>,
}

/// Values for the extensions of one packet; those without an id are left out.
pub struct Extensions<'stream> {
    pub ids: &'stream ExtensionIds,
    /// Only on the first packets of a stream, as browsers do.
    pub mid: Option<&'stream str>,
    /// NTP time as 32.32 bits.
    pub ntp: u64,
    pub transport_sequence: u16,
    /// RFC 6464, on audio only.
    pub audio_level: Option<u8>,
}

/// The fixed part of a header.
pub struct Header {
    pub payload_type: u8,
    pub marker: bool,
    pub sequence: u16,
    pub timestamp: u32,
    pub ssrc: u32,
}

impl Header {
    /// Append the header with its extensions.
    pub fn write(&self, extensions: &Extensions<'_>, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.push(0x80);
        bytes.push(u8::from(self.marker) << 7 | self.payload_type);
        bytes.extend_from_slice(&self.sequence.to_be_bytes());
        bytes.extend_from_slice(&self.timestamp.to_be_bytes());
        bytes.extend_from_slice(&self.ssrc.to_be_bytes());
        bytes.extend_from_slice(&ONE_BYTE_FORM.to_be_bytes());
        bytes.extend_from_slice(&[0, 0]);
        let body = bytes.len();
        extensions.write(bytes);
        if bytes.len() == body {
            bytes.truncate(start + FIXED);
            return;
        }
        bytes.resize(body + (bytes.len() - body).next_multiple_of(4), 0);
        let words = ((bytes.len() - body) / 4) as u16;
        bytes[body - 2..body].copy_from_slice(&words.to_be_bytes());
        bytes[start] |= EXTENSION_BIT;
    }
}

impl Extensions<'_> {
    fn write(&self, bytes: &mut Vec<u8>) {
        let mut element = |id: u8, value: &[u8]| {
            bytes.push(id << 4 | (value.len() - 1) as u8);
            bytes.extend_from_slice(value);
        };
        if let Some(id) = self.ids.abs_send_time {
            // 6.18 bits of seconds.
            element(id, &((self.ntp >> 14) as u32).to_be_bytes()[1..]);
        }
        if let Some(id) = self.ids.transport_cc {
            element(id, &self.transport_sequence.to_be_bytes());
        }
        if let (Some(id), Some(mid)) = (self.ids.mid, self.mid) {
            element(id, mid.as_bytes());
        }
        if let (Some(id), Some(level)) = (self.ids.audio_level, self.audio_level) {
            element(id, &[level]);
        }
    }
}

fn u16_at(packet: &[u8], position: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*packet.get(position)?, *packet.get(position + 1)?]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { payload_type: 96, marker: true, sequence: 7, timestamp: 9, ssrc: 11 };

    fn written(ids: &ExtensionIds) -> Vec<u8> {
        let mut bytes = Vec::new();
        let extensions = Extensions { ids, mid: Some("1"), ntp: 1 << 32, transport_sequence: 5, audio_level: None };
        HEADER.write(&extensions, &mut bytes);
        bytes.extend_from_slice(b"payload");
        bytes
    }

    #[test]
    fn finds_the_payload_behind_its_own_extensions() {
        let ids = ExtensionIds { mid: Some(4), abs_send_time: Some(2), transport_cc: Some(3), audio_level: Some(1) };
        for ids in [ids, ExtensionIds::default()] {
            let packet = written(&ids);
            assert_eq!(parse(&packet), Some(Received { ssrc: 11, sequence: 7, payload: b"payload" }));
        }
    }

    #[test]
    fn refuses_packets_that_are_shorter_than_they_claim() {
        let packet = written(&ExtensionIds { mid: Some(4), ..ExtensionIds::default() });
        for length in 0..packet.len() - 7 {
            assert_eq!(parse(&packet[..length]), None, "{length}");
        }
    }
}
