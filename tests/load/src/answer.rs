//! The relay's answer: where to send what, under which numbers.

use std::net::SocketAddr;

use is::Candidate;

use crate::downlink::Slot;
use crate::offer::{self, Ssrcs};
use crate::rtp::ExtensionIds;
use crate::stamp::Kind;
use crate::uplink::Line;

/// What was understood of an answer.
#[derive(Debug)]
pub struct Answer {
    pub ufrag: String,
    pub password: String,
    /// SHA-256, upper case with colons.
    pub fingerprint: String,
    pub candidates: Vec<Candidate>,
    sections: Vec<Section>,
}

#[derive(Debug, Default)]
struct Section {
    payload_types: Vec<u8>,
    extensions: ExtensionIds,
    ssrc: Option<u32>,
    rtx_ssrc: Option<u32>,
}

/// Why an answer is of no use.
#[derive(Debug, PartialEq)]
pub struct Unusable(pub &'static str);

impl Answer {
    /// Read the SDP.
    pub fn parse(sdp: &str) -> Result<Self, Unusable> {
        let (mut ufrag, mut password, mut fingerprint, mut setup) = (None, None, None, None);
        let mut candidates: Vec<Candidate> = Vec::new();
        let mut sections: Vec<Section> = Vec::new();
        for line in sdp.lines() {
            let (name, value) = line.split_once([':', '=']).unwrap_or((line, ""));
            if name == "m" {
                let payload_types = value.split(' ').skip(3).filter_map(|number| number.parse().ok());
                sections.push(Section { payload_types: payload_types.collect(), ..Section::default() });
                continue;
            }
            let Some(attribute) = line.strip_prefix("a=") else { continue };
            let (name, value) = attribute.split_once(':').unwrap_or((attribute, ""));
            let is_first = sections.len() == 1;
            match (name, sections.last_mut()) {
                ("ice-ufrag", _) => ufrag = Some(value),
                ("ice-pwd", _) => password = Some(value),
                ("setup", _) => setup = Some(value),
                ("fingerprint", _) => fingerprint = value.strip_prefix("sha-256 ").or(fingerprint),
                ("candidate", _) if is_first => {
                    let candidate = Candidate::from_sdp_string(attribute);
                    candidates.extend(candidate.into_iter().filter(|candidate| candidate.proto() == is::Protocol::Udp));
                }
                ("extmap", Some(section)) => section.note_extension(value),
                ("ssrc", Some(section)) if section.ssrc.is_none() => section.ssrc = number(value),
                ("ssrc-group", Some(section)) => {
                    if let Some((ssrc, rtx)) = value.strip_prefix("FID ").and_then(|ssrcs| ssrcs.split_once(' ')) {
                        (section.ssrc, section.rtx_ssrc) = (number(ssrc), number(rtx));
                    }
                }
                _ => {}
            }
        }
        if setup != Some("passive") {
            return Err(Unusable("the relay does not take the passive DTLS role"));
        }
        if candidates.is_empty() {
            return Err(Unusable("there is no UDP candidate"));
        }
        match (ufrag, password, fingerprint, sections.len() == offer::ROLES.len()) {
            (Some(ufrag), Some(password), Some(fingerprint), true) => Ok(Self {
                ufrag: ufrag.to_owned(),
                password: password.to_owned(),
                fingerprint: fingerprint.to_ascii_uppercase(),
                candidates,
                sections,
            }),
            _ => Err(Unusable("credentials, a fingerprint or sections are not there")),
        }
    }

    /// Where media goes: the first candidate, as all lead to the same port.
    pub fn address(&self) -> SocketAddr {
        self.candidates[0].addr()
    }

    /// How to send on the microphone's line.
    pub fn microphone(&self, ssrcs: &Ssrcs) -> Line {
        self.line(offer::MICROPHONE, offer::OPUS, ssrcs.microphone, None)
    }

    /// How to send on the camera's line.
    pub fn camera(&self, ssrcs: &Ssrcs) -> Line {
        let (ssrc, rtx) = ssrcs.camera;
        let accepts_rtx = self.sections[offer::CAMERA].payload_types.contains(&offer::VP8_RTX);
        self.line(offer::CAMERA, offer::VP8, ssrc, accepts_rtx.then_some((rtx, offer::VP8_RTX)))
    }

    /// What comes of the partner; None while the SSRCs are not told. The relay tells them at once, a media server that
    /// makes a stream for each partner when it has one.
    pub fn slots(&self) -> Option<[Slot; 2]> {
        Some([self.slot(offer::PARTNER_MICROPHONE, Kind::Audio)?, self.slot(offer::PARTNER_CAMERA, Kind::Video)?])
    }

    fn line(&self, section: usize, payload_type: u8, ssrc: u32, rtx: Option<(u32, u8)>) -> Line {
        let extensions = self.sections[section].extensions.clone();
        Line { mid: section.to_string(), ssrc, payload_type, rtx, extensions }
    }

    fn slot(&self, section: usize, kind: Kind) -> Option<Slot> {
        let Section { ssrc, rtx_ssrc, .. } = self.sections[section];
        Some(Slot { kind, ssrc: ssrc?, rtx_ssrc })
    }
}

impl Section {
    fn note_extension(&mut self, value: &str) {
        let Some((id, uri)) = value.split_once(' ') else { return };
        // A direction may follow the number (RFC 8285 section 8).
        let id = id.split('/').next().and_then(|id| id.parse().ok()).filter(|id| (1..=14).contains(id));
        let place = match uri {
            _ if uri == offer::MID.1 => &mut self.extensions.mid,
            _ if uri == offer::ABS_SEND_TIME.1 => &mut self.extensions.abs_send_time,
            _ if uri == offer::TRANSPORT_CC.1 => &mut self.extensions.transport_cc,
            _ if uri == offer::AUDIO_LEVEL.1 => &mut self.extensions.audio_level,
            _ => return,
        };
        *place = id;
    }
}

/// The number at the beginning.
fn number(text: &str) -> Option<u32> {
    text.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All sections, and in each what `extra` says of its position.
    fn answer(extra: impl Fn(usize) -> &'static str) -> Answer {
        let mut sdp = "v=0\r\na=fingerprint:sha-256 AB:CD\r\na=ice-ufrag:u\r\na=ice-pwd:p\r\n".to_owned();
        for position in 0..offer::ROLES.len() {
            sdp += "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=setup:passive\r\n";
            if position == 0 {
                sdp += "a=candidate:1 1 udp 2130706431 127.0.0.1 4000 typ host\r\n";
            }
            sdp += extra(position);
        }
        Answer::parse(&sdp).unwrap()
    }

    #[test]
    fn slots_are_there_when_all_their_ssrcs_are_told() {
        assert!(answer(|_| "").slots().is_none());
        let one = |position| if position == offer::PARTNER_MICROPHONE { "a=ssrc:7 cname:x\r\n" } else { "" };
        assert!(answer(one).slots().is_none());
        let both = |position| match position {
            offer::PARTNER_MICROPHONE => "a=ssrc:7 cname:x\r\n",
            offer::PARTNER_CAMERA => "a=ssrc-group:FID 8 9\r\na=ssrc:8 cname:x\r\na=ssrc:9 cname:x\r\n",
            _ => "",
        };
        let [sound, picture] = answer(both).slots().unwrap();
        assert_eq!((sound.ssrc, sound.rtx_ssrc), (7, None));
        assert_eq!((picture.ssrc, picture.rtx_ssrc), (8, Some(9)));
    }
}
