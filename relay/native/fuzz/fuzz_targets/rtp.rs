//! Any packet as RTP: header, extensions, padding; and what is written from it is read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relay_core::wire::rtp::{Header, Written, write_header};

fuzz_target!(|bytes: &[u8]| {
    let Some(header) = Header::parse(bytes) else { return };
    let extensions: Vec<(u8, &[u8])> =
        (1..=14).filter_map(|id| Some((id, header.extension(bytes, id)?))).filter(|(_, value)| value.len() <= 16).collect();
    let fields = Written {
        marker: header.marker,
        payload_type: header.payload_type,
        sequence: header.sequence,
        timestamp: header.timestamp,
        ssrc: header.ssrc,
    };
    let mut packet = Vec::new();
    let length = write_header(&mut packet, fields, extensions.iter().copied());
    packet.extend_from_slice(header.payload_of(bytes).unwrap_or_default());
    let read = Header::parse(&packet).expect("what we write is well-formed");
    assert_eq!((read.payload, read.ssrc, read.sequence), (length, header.ssrc, header.sequence));
    for (id, value) in extensions {
        assert_eq!(read.extension(&packet, id), Some(value).filter(|value| !value.is_empty()));
    }
});
