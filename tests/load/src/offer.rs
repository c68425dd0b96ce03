//! The offer that every person makes: the same six sections as the browser client.

use std::fmt::Write;

/// Which section carries what, in order; the position is the mid.
pub const ROLES: [&str; 6] =
    ["microphone", "camera", "screen", "partner_microphone", "partner_camera", "partner_screen"];

pub const MICROPHONE: usize = 0;
pub const CAMERA: usize = 1;
pub const PARTNER_MICROPHONE: usize = 3;
pub const PARTNER_CAMERA: usize = 4;

/// Payload types, as Chromium numbers them.
pub const OPUS: u8 = 111;
pub const VP8: u8 = 96;
pub const VP8_RTX: u8 = 97;

pub const AUDIO_LEVEL: (u8, &str) = (1, "urn:ietf:params:rtp-hdrext:ssrc-audio-level");
pub const ABS_SEND_TIME: (u8, &str) = (2, "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time");
pub const TRANSPORT_CC: (u8, &str) = (3, "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01");
pub const MID: (u8, &str) = (4, "urn:ietf:params:rtp-hdrext:sdes:mid");

/// SSRCs of one person: of a section, and of its retransmissions where it has them.
#[derive(Clone, Copy, Debug)]
pub struct Ssrcs {
    pub microphone: u32,
    pub camera: (u32, u32),
    pub screen: (u32, u32),
}

impl Ssrcs {
    /// Fresh ones; 0 means "none" to some stacks.
    pub fn random() -> Self {
        let ssrc = || fastrand::u32(1..);
        Self { microphone: ssrc(), camera: (ssrc(), ssrc()), screen: (ssrc(), ssrc()) }
    }
}

/// SDP of the offer (RFC 8866, RFC 9429).
pub fn write(ufrag: &str, password: &str, fingerprint: &str, ssrcs: &Ssrcs) -> String {
    let mut sdp = format!(
        "v=0\r\no=- {} 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2 3 4 5\r\n\
         a=extmap-allow-mixed\r\na=msid-semantic: WMS stream\r\n",
        fastrand::u64(..) >> 2
    );
    for (mid, role) in ROLES.iter().enumerate() {
        let is_audio = role.ends_with("microphone");
        let is_sent = !role.starts_with("partner");
        let formats = if is_audio {
            format!("audio 9 UDP/TLS/RTP/SAVPF {OPUS}")
        } else {
            format!("video 9 UDP/TLS/RTP/SAVPF {VP8} {VP8_RTX}")
        };
        let direction = if is_sent { "sendonly" } else { "recvonly" };
        sdp += &format!(
            "m={formats}\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:{ufrag}\r\n\
             a=ice-pwd:{password}\r\na=ice-options:trickle\r\na=fingerprint:sha-256 {fingerprint}\r\n\
             a=setup:actpass\r\na=mid:{mid}\r\na={direction}\r\na=rtcp-mux\r\na=rtcp-rsize\r\n"
        );
        write_formats(&mut sdp, is_audio);
        match *role {
            "microphone" => write_streams(&mut sdp, role, &[ssrcs.microphone]),
            "camera" => write_streams(&mut sdp, role, &[ssrcs.camera.0, ssrcs.camera.1]),
            "screen" => write_streams(&mut sdp, role, &[ssrcs.screen.0, ssrcs.screen.1]),
            _ => {}
        }
    }
    sdp
}

fn write_formats(sdp: &mut String, is_audio: bool) {
    let extensions: &[(u8, &str)] =
        if is_audio { &[AUDIO_LEVEL, ABS_SEND_TIME, TRANSPORT_CC, MID] } else { &[ABS_SEND_TIME, TRANSPORT_CC, MID] };
    for (id, uri) in extensions {
        let _ = write!(sdp, "a=extmap:{id} {uri}\r\n");
    }
    *sdp += &if is_audio {
        format!(
            "a=rtpmap:{OPUS} opus/48000/2\r\na=rtcp-fb:{OPUS} transport-cc\r\n\
             a=fmtp:{OPUS} minptime=10;useinbandfec=1\r\n"
        )
    } else {
        format!(
            "a=rtpmap:{VP8} VP8/90000\r\na=rtcp-fb:{VP8} goog-remb\r\na=rtcp-fb:{VP8} transport-cc\r\n\
             a=rtcp-fb:{VP8} ccm fir\r\na=rtcp-fb:{VP8} nack\r\na=rtcp-fb:{VP8} nack pli\r\n\
             a=rtpmap:{VP8_RTX} rtx/90000\r\na=fmtp:{VP8_RTX} apt={VP8}\r\n"
        )
    };
}

fn write_streams(sdp: &mut String, role: &str, ssrcs: &[u32]) {
    let _ = write!(sdp, "a=msid:stream {role}\r\n");
    if let [ssrc, rtx] = ssrcs {
        let _ = write!(sdp, "a=ssrc-group:FID {ssrc} {rtx}\r\n");
    }
    for ssrc in ssrcs {
        let _ = write!(sdp, "a=ssrc:{ssrc} cname:person\r\na=ssrc:{ssrc} msid:stream {role}\r\n");
    }
}
