//! Opens what one peer sends.

use super::STREAMS_PER_PEER;
use super::cipher::Cipher;
use super::keys::Keys;
use super::window::Window;
use crate::wire::bytes::u32_at;

/// The packet is not authentic, was seen before, is too old, or belongs to one stream too many.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

/// Session keys and replay windows for one direction.
pub struct Inbound {
    cipher: Cipher,
    rtp: Vec<(u32, Window)>,
    rtcp: Vec<(u32, Window)>,
}

impl Inbound {
    /// None if the cryptographic library refuses the keys.
    pub fn new(keys: &Keys) -> Option<Self> {
        Some(Self { cipher: Cipher::new(keys)?, rtp: Vec::new(), rtcp: Vec::new() })
    }

    /// Of a transcoder, which sends in the clear.
    pub fn open() -> Self {
        Self { cipher: Cipher::None, rtp: Vec::new(), rtcp: Vec::new() }
    }

    /// Open an RTP packet in place. Gives the plain packet's length and its 48-bit index, of which the
    /// sequence number is the lower part.
    pub fn open_rtp(
        &mut self,
        packet: &mut [u8],
        header: usize,
        ssrc: u32,
        sequence: u16,
    ) -> Result<(usize, u64), Refused> {
        let known = self.rtp.iter().position(|(stream, _)| *stream == ssrc);
        let index = match known {
            Some(at) => self.rtp[at].1.estimate(sequence).filter(|index| self.rtp[at].1.is_new(*index)),
            None if self.rtp.len() < STREAMS_PER_PEER => Some(u64::from(sequence)),
            None => None,
        }
        .ok_or(Refused)?;
        let length = self.cipher.open_rtp(packet, header, ssrc, index).ok_or(Refused)?;
        // A stream is remembered only now that a packet of it was authentic.
        accept(&mut self.rtp, known, ssrc, index);
        Ok((length, index))
    }

    /// Open an RTCP packet in place. Gives the plain packet's length.
    pub fn open_rtcp(&mut self, packet: &mut [u8]) -> Result<usize, Refused> {
        if matches!(self.cipher, Cipher::None) {
            return Ok(packet.len());
        }
        let ssrc = u32_at(packet, 4).ok_or(Refused)?;
        let index = self.cipher.rtcp_index(packet).ok_or(Refused)?;
        let known = self.rtcp.iter().position(|(stream, _)| *stream == ssrc);
        let fresh = match known {
            Some(at) => self.rtcp[at].1.is_new(u64::from(index)),
            None => self.rtcp.len() < STREAMS_PER_PEER,
        };
        if !fresh {
            return Err(Refused);
        }
        let length = self.cipher.open_rtcp(packet, ssrc, index).ok_or(Refused)?;
        accept(&mut self.rtcp, known, ssrc, u64::from(index));
        Ok(length)
    }
}

fn accept(windows: &mut Vec<(u32, Window)>, known: Option<usize>, ssrc: u32, index: u64) {
    match known {
        Some(at) => windows[at].1.accept(index),
        None => {
            let mut window = Window::default();
            window.accept(index);
            windows.push((ssrc, window));
        }
    }
}
