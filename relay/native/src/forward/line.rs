//! One line: what a browser sends as its microphone, camera or screen.

use crate::feedback::misses::Misses;
use crate::feedback::reception::Reception;
use crate::forward::keyframes::KeyframeRequests;
use crate::forward::sender_clock::SenderClock;
use crate::ids::{Medium, SlotId};
use crate::time::{NtpClock, Time};
use crate::wire::codecs::Codec;

/// A codec as the browser numbers it.
#[derive(Clone, Copy, Debug)]
pub struct NumberedCodec {
    /// Which codec.
    pub codec: Codec,
    /// Of its packets.
    pub payload_type: u8,
    /// Of its retransmissions (RFC 4588), if negotiated.
    pub rtx_payload_type: Option<u8>,
}

/// Header extension ids of one section; None where not negotiated.
#[derive(Clone, Copy, Debug, Default)]
#[allow(missing_docs)] // the names are the extensions'
pub struct ExtensionIds {
    pub mid: Option<u8>,
    pub audio_level: Option<u8>,
    pub abs_send_time: Option<u8>,
    pub transport_cc: Option<u8>,
    pub playout_delay: Option<u8>,
}

impl ExtensionIds {
    /// What each of them is called (RFC 8285). `relay/peer/negotiation.py` offers them.
    const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
    const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";
    const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
    const TRANSPORT_CC: &str = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";
    const PLAYOUT_DELAY: &str = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay";

    /// Of what was negotiated: id and URI of each. Those that we know nothing of are passed over.
    pub fn of<Uri: AsRef<str>>(negotiated: &[(u8, Uri)]) -> Self {
        let mut ids = Self::default();
        for (id, uri) in negotiated {
            match uri.as_ref() {
                Self::MID => ids.mid = Some(*id),
                Self::AUDIO_LEVEL => ids.audio_level = Some(*id),
                Self::ABS_SEND_TIME => ids.abs_send_time = Some(*id),
                Self::TRANSPORT_CC => ids.transport_cc = Some(*id),
                Self::PLAYOUT_DELAY => ids.playout_delay = Some(*id),
                _ => {}
            }
        }
        ids
    }
}

/// What negotiation says of a line.
#[derive(Clone, Debug)]
pub struct LineSetup {
    /// What it carries.
    pub medium: Medium,
    /// The section's name, which unannounced streams carry.
    pub mid: Vec<u8>,
    /// As announced in the offer.
    pub ssrc: Option<u32>,
    /// Of its retransmissions.
    pub rtx_ssrc: Option<u32>,
    /// Accepted, in order of preference.
    pub codecs: Vec<NumberedCodec>,
    /// Of this section.
    pub extensions: ExtensionIds,
}

/// A line and what goes on with it.
#[derive(Debug)]
pub struct Line {
    /// As negotiated; the SSRCs may be learnt later.
    pub setup: LineSetup,
    /// Whether the offer named the SSRCs.
    pub announced: bool,
    /// How well it arrives.
    pub reception: Reception,
    /// What did not, as long as somebody watches; of video alone.
    pub misses: Misses,
    /// When the sender was asked for a keyframe.
    pub keyframes: KeyframeRequests,
    /// The timestamp of the latest keyframe, to count each once.
    pub keyframe_at: Option<u32>,
    /// The slots that show it.
    pub receivers: Vec<SlotId>,
}

impl Line {
    /// A line that nobody watches yet.
    pub fn new(setup: LineSetup) -> Self {
        let announced = setup.ssrc.is_some();
        let rate = setup.codecs.first().map_or(90_000, |first| first.codec.clock_rate());
        Self {
            setup,
            announced,
            reception: Reception::new(rate),
            misses: Misses::default(),
            keyframes: KeyframeRequests::default(),
            keyframe_at: None,
            receivers: Vec::new(),
        }
    }

    /// Where the sender stands now in this line's timestamps, by its reports and the fastest packets from there to here.
    /// Unknown for sound that paused after its report: it goes on from where it stopped, while pictures keep to the clock.
    pub fn position(&self, clock: &SenderClock, ntp: &NtpClock, now: Time) -> Option<u32> {
        if !self.setup.medium.is_video() && self.reception.fell_behind() {
            return None;
        }
        clock.position(self.reception.anchor()?, self.reception.rate, ntp, now)
    }

    /// Whether the sender can repeat packets of the codec.
    pub fn repeats(&self, codec: Codec) -> bool {
        self.setup.codecs.iter().any(|known| known.codec == codec && known.rtx_payload_type.is_some())
    }

    /// The codec whose retransmissions the sender numbers so.
    pub fn codec_of_retransmission(&self, payload_type: u8) -> Option<Codec> {
        let matches = |known: &&NumberedCodec| known.rtx_payload_type == Some(payload_type);
        self.setup.codecs.iter().find(matches).map(|known| known.codec)
    }

    /// The codec that the sender numbers so.
    pub fn codec(&self, payload_type: u8) -> Option<Codec> {
        self.setup.codecs.iter().find(|known| known.payload_type == payload_type).map(|known| known.codec)
    }
}
