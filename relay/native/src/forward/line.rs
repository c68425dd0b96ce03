//! One line: what a browser sends as its microphone, camera or screen.

use crate::bindings::PeerId;
use crate::codec::Codec;
use crate::feedback::misses::Misses;
use crate::feedback::reception::Reception;
use crate::forward::keyframes::KeyframeRequests;
use crate::forward::sender_clock::SenderClock;
use crate::time::{NtpClock, Time};

/// One kind of stream of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum Medium {
    Microphone = 0,
    Camera = 1,
    Screen = 2,
}

impl Medium {
    /// Every medium, by its number.
    pub const ALL: [Medium; 3] = [Medium::Microphone, Medium::Camera, Medium::Screen];

    /// Whether its packets depend on earlier ones.
    pub const fn is_video(self) -> bool {
        !matches!(self, Medium::Microphone)
    }
}

/// One medium of one peer: a line as a source, a slot as a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct End {
    /// Whose.
    pub peer: PeerId,
    /// Which.
    pub medium: Medium,
}

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
    pub receivers: Vec<End>,
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

    /// Where the sender stands now in this line's timestamps, by its reports and the fastest way from there to here.
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
    pub fn codec_again(&self, payload_type: u8) -> Option<Codec> {
        let again = |known: &&NumberedCodec| known.rtx_payload_type == Some(payload_type);
        self.setup.codecs.iter().find(again).map(|known| known.codec)
    }

    /// The codec that the sender numbers so.
    pub fn codec(&self, payload_type: u8) -> Option<Codec> {
        self.setup.codecs.iter().find(|known| known.payload_type == payload_type).map(|known| known.codec)
    }
}
