//! Seals what one peer is sent.

use super::STREAMS_PER_PEER;
use super::cipher::Cipher;
use super::keys::Keys;
use super::window::Window;
use crate::wire::bytes::u32_at;

/// Session keys of one direction, and which indices were used.
pub struct Outbound {
    cipher: Cipher,
    rtp: Vec<(u32, Window)>,
    rtcp_index: u32,
}

impl Outbound {
    /// None if the cryptographic library refuses the keys.
    pub fn new(keys: &Keys) -> Option<Self> {
        Some(Self { cipher: Cipher::new(keys)?, rtp: Vec::new(), rtcp_index: 0 })
    }

    /// Of a transcoder, which is sent to in the clear.
    pub fn open() -> Self {
        Self { cipher: Cipher::None, rtp: Vec::new(), rtcp_index: 0 }
    }

    /// Protect the RTP packet that fills `packets` from `start` on. None if this index of the stream was
    /// used before, which would give the key stream away (RFC 7714 section 8.4).
    pub fn seal_rtp(
        &mut self,
        packets: &mut Vec<u8>,
        start: usize,
        header: usize,
        ssrc: u32,
        index: u64,
    ) -> Option<()> {
        let at = match self.rtp.iter().position(|(stream, _)| *stream == ssrc) {
            Some(at) => at,
            None if self.rtp.len() < STREAMS_PER_PEER => {
                self.rtp.push((ssrc, Window::default()));
                self.rtp.len() - 1
            }
            None => return None,
        };
        let window = &mut self.rtp[at].1;
        if !window.is_new(index) {
            return None;
        }
        window.accept(index);
        self.cipher.seal_rtp(packets, start, header, ssrc, index)
    }

    /// Protect the RTCP packet that fills `packets` from `start` on. None once the key is used up.
    pub fn seal_rtcp(&mut self, packets: &mut Vec<u8>, start: usize) -> Option<()> {
        let ssrc = u32_at(packets, start + 4)?;
        // 2^31 packets under one key at most (RFC 3711 section 9.2): six years at ten a second.
        self.rtcp_index = self.rtcp_index.checked_add(1).filter(|index| index >> 31 == 0)?;
        self.cipher.seal_rtcp(packets, start, ssrc, self.rtcp_index)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::srtp::Profile;

    #[test]
    fn a_key_is_used_up_after_two_to_the_thirty_first_control_packets() {
        let keys = Keys::new(Profile::Gcm128, vec![7; 28]).unwrap();
        let mut outbound = Outbound { rtcp_index: (1 << 31) - 2, ..Outbound::new(&keys).unwrap() };
        let mut seal = || outbound.seal_rtcp(&mut vec![0x80, 201, 0, 1, 0, 0, 0, 1], 0).is_some();
        assert_eq!([seal(), seal(), seal()], [true, false, false]);
    }
}
