//! Two people's media over real sockets on loopback, with real keys, and a network that misbehaves on demand.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use dimpl::SrtpProfile;
use loadgen::carrier::Carrier;
use loadgen::clip::Clip;
use loadgen::clock::{self, SECOND};
use loadgen::downlink::Slot;
use loadgen::media::{Common, Media};
use loadgen::rtp::ExtensionIds;
use loadgen::shield::Shield;
use loadgen::srtp::Context;
use loadgen::stamp::Kind;
use loadgen::tally::Tally;
use loadgen::udp::Outbox;
use loadgen::uplink::Line;

struct Person {
    media: Media,
    socket: Carrier,
}

fn common() -> Common {
    Common {
        clip: Clip::synthetic(1_000.0, 30.0, 1_136),
        audio_bytes: 100,
        is_foreign: false,
        loss: 0.0,
        tally: Tally { window: Some(0..u64::MAX), ..Tally::default() },
        outbox: Outbox::segmenting(),
    }
}

fn line(ssrc: u32, rtx: Option<(u32, u8)>) -> Line {
    Line { mid: "0".into(), ssrc, payload_type: 96, rtx, extensions: ExtensionIds::default() }
}

/// Each receives what the other one sends, RTX included.
fn pair(common: &Common) -> [Person; 2] {
    let material: Vec<u8> = (0..88).collect();
    let sockets = [0, 1].map(|_| UdpSocket::bind("127.0.0.1:0").unwrap());
    let addresses: Vec<SocketAddr> = sockets.iter().map(|socket| socket.local_addr().unwrap()).collect();
    let mut id = 0;
    sockets.map(|socket| {
        let (mine, other) = (id, 1 - id);
        id += 1;
        socket.connect(addresses[other as usize]).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let (client, server) = Context::of_client(&material, SrtpProfile::AEAD_AES_256_GCM).unwrap();
        let (ours, theirs) = if mine == 0 { (client, server) } else { (server, client) };
        let shield = Shield::Srtp { ours: Box::new(ours), theirs: Box::new(theirs) };
        let slots = [
            Slot { kind: Kind::Audio, ssrc: 100 + other, rtx_ssrc: None },
            Slot { kind: Kind::Video, ssrc: 200 + other, rtx_ssrc: Some(300 + other) },
        ];
        let camera = line(200 + mine, Some((300 + mine, 97)));
        let media = Media::new(mine, shield, line(100 + mine, None), Some(camera), slots, common, clock::now());
        Person { media, socket: socket.into() }
    })
}

impl Person {
    fn sends(&mut self, kind: Kind, common: &mut Common) {
        self.media.send(kind, clock::now(), &self.socket, common);
    }

    /// Take what has arrived, except the datagrams at the positions that get `lost`.
    fn receives(&mut self, lost: &[usize], common: &mut Common) -> usize {
        let mut datagram = [0; 2_048];
        let mut count = 0;
        let Carrier::Udp(socket) = &self.socket else { return 0 };
        while let Ok(size) = socket.recv(&mut datagram) {
            if !lost.contains(&count) {
                self.media.receive(&mut datagram[..size], clock::now(), &self.socket, common);
            }
            count += 1;
        }
        count
    }
}

#[test]
fn a_lost_packet_is_asked_for_and_comes_again() {
    let mut common = common();
    let [mut ann, mut bob] = pair(&common);
    bob.media.recognise(0, &mut common);
    ann.sends(Kind::Video, &mut common);
    let packets = bob.receives(&[3], &mut common);
    assert_eq!(common.tally.delivered, packets as u64 - 1);
    bob.media.ask(clock::now(), &bob.socket, &mut common);
    ann.receives(&[], &mut common);
    assert_eq!((common.tally.nacks, common.tally.retransmissions), (1, 1));
    bob.receives(&[], &mut common);
    assert_eq!((common.tally.recovered, common.tally.delivered), (1, packets as u64));
    bob.media.ask(clock::now() + SECOND, &bob.socket, &mut common);
    assert_eq!(common.tally.nacks, 1);
}

#[test]
fn a_picture_without_a_keyframe_is_asked_for_and_the_next_one_is_a_keyframe() {
    let mut common = common();
    let [mut ann, mut bob] = pair(&common);
    bob.media.recognise(0, &mut common);
    ann.sends(Kind::Video, &mut common);
    let whole: Vec<usize> = (0..20).collect();
    bob.receives(&whole, &mut common);
    ann.sends(Kind::Video, &mut common);
    bob.receives(&[], &mut common);
    bob.media.ask(clock::now() + SECOND, &bob.socket, &mut common);
    ann.receives(&[], &mut common);
    assert_eq!(common.tally.keyframes_asked, 1);
    ann.sends(Kind::Video, &mut common);
    // Three times as many packets as another picture.
    assert!(bob.receives(&[], &mut common) > 9);
}

#[test]
fn somebody_elses_media_is_noticed_but_not_what_an_old_partner_sent_before() {
    let mut common = common();
    let [mut ann, mut bob] = pair(&common);
    bob.media.recognise(0, &mut common);
    bob.media.part(clock::now(), &mut common);
    ann.sends(Kind::Audio, &mut common);
    bob.receives(&[], &mut common);
    bob.media.meet(clock::now(), &mut common);
    bob.media.recognise(7, &mut common);
    assert_eq!(common.tally.wrong_person, 0);
    std::thread::sleep(Duration::from_millis(600));
    ann.sends(Kind::Audio, &mut common);
    bob.receives(&[], &mut common);
    // She may be the next partner, of whom the relay's message has not been read: then it turns out that she is not.
    assert_eq!(common.tally.wrong_person, 0);
    bob.media.meet(clock::now(), &mut common);
    bob.media.recognise(8, &mut common);
    assert_eq!(common.tally.wrong_person, 1);
}
