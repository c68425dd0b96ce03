//! How packets look on the wire of a person: SRTP, or plain for relays that don't open them.

use crate::srtp::{Context, Rejected, TAG};

/// ChannelData: channel number and length in front of the data (RFC 8656 section 12.4).
const CHANNEL_HEADER: usize = 4;

/// What protects one person's packets.
pub enum Shield {
    Srtp {
        ours: Box<Context>,
        theirs: Box<Context>,
    },
    /// As long as SRTP, so that all kinds of relay move the same bytes.
    Plain {
        channel: Option<u16>,
    },
}

impl Shield {
    /// Append one RTP packet, made by `write`.
    pub fn seal_rtp(&mut self, bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let start = bytes.len();
        match self {
            Self::Srtp { ours, .. } => {
                write(bytes);
                if ours.seal_rtp(bytes, start).is_err() {
                    bytes.truncate(start);
                }
            }
            Self::Plain { channel } => {
                bytes.resize(start + channel.map_or(0, |_| CHANNEL_HEADER), 0);
                write(bytes);
                bytes.resize(bytes.len() + TAG, 0);
                if let Some(channel) = channel {
                    let length = (bytes.len() - start - CHANNEL_HEADER) as u16;
                    bytes[start..start + 2].copy_from_slice(&channel.to_be_bytes());
                    bytes[start + 2..start + 4].copy_from_slice(&length.to_be_bytes());
                }
            }
        }
    }

    /// The plain RTP packet inside a datagram.
    pub fn open_rtp<'datagram>(&mut self, datagram: &'datagram mut [u8]) -> Result<&'datagram [u8], Rejected> {
        match self {
            Self::Srtp { theirs, .. } => theirs.open_rtp(datagram).map(|packet| &*packet),
            Self::Plain { channel } => {
                let start = channel.map_or(0, |_| CHANNEL_HEADER);
                let end = datagram.len().checked_sub(TAG).ok_or(Rejected)?;
                datagram.get(start..end).ok_or(Rejected)
            }
        }
    }

    /// Append one RTCP packet, made by `write`. Plain relays get none.
    pub fn seal_rtcp(&mut self, bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
        let start = bytes.len();
        if let Self::Srtp { ours, .. } = self {
            write(bytes);
            if bytes.len() > start && ours.seal_rtcp(bytes, start).is_err() {
                bytes.truncate(start);
            }
        }
    }

    /// The plain RTCP packet inside a datagram.
    pub fn open_rtcp<'datagram>(&mut self, datagram: &'datagram mut [u8]) -> Result<&'datagram [u8], Rejected> {
        match self {
            Self::Srtp { theirs, .. } => theirs.open_rtcp(datagram).map(|packet| &*packet),
            Self::Plain { .. } => Err(Rejected),
        }
    }
}
