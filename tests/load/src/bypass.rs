//! People on routes without signalling: the yardsticks that the relay is compared with.
//!
//! Person n talks with person n xor 1 over plain RTP, and has n in their SSRCs.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use crate::clock;
use crate::downlink::Slot;
use crate::media::{Common, Media};
use crate::offer;
use crate::options::{Options, Route};
use crate::person::Person;
use crate::rtp::ExtensionIds;
use crate::shield::Shield;
use crate::stamp::Kind;
use crate::turn;
use crate::udp;
use crate::uplink::Line;

const AUDIO_SSRC: u32 = 0x1000_0000;
const VIDEO_SSRC: u32 = 0x2000_0000;
/// The forwarder sets this bit in what it passes on, as a relay has SSRCs of its own.
pub const FORWARDED: u32 = 0x8000_0000;

/// Whose stream this is.
pub fn person(ssrc: u32) -> u32 {
    ssrc & !(AUDIO_SSRC | VIDEO_SSRC | FORWARDED)
}

/// Everybody, already talking.
pub fn people(options: &Options, common: &mut Common) -> io::Result<Vec<Person>> {
    let any = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0);
    let sockets = (0..options.people).map(|_| udp::open(any)).collect::<io::Result<Vec<_>>>()?;
    let channels = connect(options, &sockets)?;
    let mut people = Vec::new();
    for ((id, socket), channel) in (0..).zip(sockets).zip(channels) {
        let (partner, now) = (id ^ 1, clock::now());
        let mask = if options.route == Route::Forwarder { FORWARDED } else { 0 };
        let slots = [
            Slot { kind: Kind::Audio, ssrc: (AUDIO_SSRC + partner) | mask, rtx_ssrc: None },
            Slot { kind: Kind::Video, ssrc: (VIDEO_SSRC + partner) | mask, rtx_ssrc: None },
        ];
        let microphone = line(AUDIO_SSRC + id, offer::OPUS, offer::MICROPHONE);
        let camera = line(VIDEO_SSRC + id, offer::VP8, offer::CAMERA);
        let mut media = Media::new(id, Shield::Plain { channel }, microphone, Some(camera), slots, common, now);
        media.recognise(partner, common);
        people.push(Person::talking(id, socket.into(), media));
    }
    Ok(people)
}

/// Point each socket at what is between; returns the TURN channel of each person.
fn connect(options: &Options, sockets: &[UdpSocket]) -> io::Result<Vec<Option<u16>>> {
    match options.route {
        Route::Turn => turn::join(sockets, options.server),
        Route::Direct => {
            for (one, other) in sockets.iter().enumerate().map(|(id, socket)| (socket, &sockets[id ^ 1])) {
                one.connect(other.local_addr()?)?;
            }
            Ok(vec![None; sockets.len()])
        }
        Route::Forwarder | Route::Relay => {
            for socket in sockets {
                socket.connect(options.server)?;
            }
            Ok(vec![None; sockets.len()])
        }
    }
}

/// With the extensions that the relay negotiates, so that packets are as long.
fn line(ssrc: u32, payload_type: u8, section: usize) -> Line {
    let extensions = ExtensionIds {
        mid: Some(offer::MID.0),
        abs_send_time: Some(offer::ABS_SEND_TIME.0),
        ..ExtensionIds::default()
    };
    Line { mid: section.to_string(), ssrc, payload_type, rtx: None, extensions }
}
