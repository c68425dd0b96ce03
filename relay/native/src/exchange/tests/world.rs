//! Two browsers around one exchange, in simulated time.

use std::net::SocketAddr;

use crate::counters::PeerCounters;
use crate::exchange::*;
use crate::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::ice::bindings::{Patience, Side};
use crate::ids::{LineId, Medium, SlotId};
use crate::srtp::{Inbound, Keys, Outbound, Profile};
use crate::wire::codecs::Codec;
use crate::wire::rtp::{Header, Written, is_rtcp, write_header};
use crate::wire::stun;

pub(crate) const MID: u8 = 4;
pub(crate) const AUDIO_LEVEL: u8 = 1;
pub(crate) const SEND_TIME: u8 = 2;
pub(crate) const TRANSPORT: u8 = 3;
pub(crate) const PLAYOUT: u8 = 5;
pub(crate) const PASSWORD: &[u8] = b"pppppppppppppppppppppp";
pub(crate) const REMOTE_PASSWORD: &[u8] = b"qqqqqqqqqqqqqqqqqqqqqq";

/// A browser: what it seals, and what it got. Payload types and SSRCs are its own.
pub(crate) struct Browser {
    pub(crate) id: PeerId,
    pub(crate) path: Path,
    pub(crate) outbound: Outbound,
    inbound: Inbound,
    payload_type: u8,
    pub(crate) index: u64,
    transport: u16,
    pub(crate) media: Vec<(Header, Vec<u8>)>,
    pub(crate) feedback: Vec<Vec<u8>>,
}

pub(crate) struct World {
    pub(crate) exchange: Exchange,
    pub(crate) out: Outbox,
    pub(crate) now: Time,
    /// Where nobody answers what we ask.
    pub(crate) deaf: Vec<Path>,
    /// Datagrams of `out` that were looked at.
    seen: usize,
}

pub(crate) fn keys(seed: u8) -> Keys {
    Keys::new(Profile::Gcm128, vec![seed; 28]).unwrap()
}

fn ids(transport: bool) -> ExtensionIds {
    ExtensionIds {
        mid: Some(MID),
        audio_level: Some(AUDIO_LEVEL),
        abs_send_time: Some(SEND_TIME),
        transport_cc: transport.then_some(TRANSPORT),
        playout_delay: (!transport).then_some(PLAYOUT),
    }
}

pub(crate) fn check(ufrag: &str) -> Vec<u8> {
    check_with(ufrag, *b"transactions", &[])
}

pub(crate) fn nomination(ufrag: &str, number: u8) -> Vec<u8> {
    check_with(ufrag, [number; 12], &[0, 0x25, 0, 0])
}

fn check_with(ufrag: &str, transaction: [u8; 12], attribute: &[u8]) -> Vec<u8> {
    check_of(ufrag, "them", transaction, attribute)
}

pub(crate) fn check_of(ufrag: &str, remote: &str, transaction: [u8; 12], attribute: &[u8]) -> Vec<u8> {
    let username = format!("{ufrag}:{remote}");
    let mut message = b"\x00\x01\x00\x00\x21\x12\xa4\x42".to_vec();
    message.extend_from_slice(&transaction);
    message.extend_from_slice(attribute);
    // PRIORITY and ICE-CONTROLLING, as browsers send them.
    message.extend_from_slice(&[0, 0x24, 0, 4, 0x6e, 0, 1, 0xff, 0x80, 0x2a, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
    message.extend_from_slice(&[0, 6, 0, username.len() as u8]);
    message.extend_from_slice(username.as_bytes());
    message.resize(message.len().next_multiple_of(4), 0);
    let length = (message.len() - 20 + 24) as u16;
    message[2..4].copy_from_slice(&length.to_be_bytes());
    let tag = aws_lc_rs::hmac::sign(&stun::integrity_key(PASSWORD), &message);
    message.extend_from_slice(&[0, 8, 0, 20]);
    message.extend_from_slice(tag.as_ref());
    message
}

impl Browser {
    pub(crate) fn ssrc(&self, medium: Medium) -> u32 {
        1_000 * self.id as u32 + medium as u32
    }

    pub(crate) fn slot(&self, medium: Medium) -> u32 {
        self.ssrc(medium) + 500
    }

    /// One sealed packet of a line.
    pub(crate) fn packet(&mut self, medium: Medium, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let fields = Written {
            marker: false,
            payload_type: self.payload_type + medium as u8,
            sequence: self.index as u16,
            timestamp,
            ssrc: self.ssrc(medium),
        };
        let number = self.transport.to_be_bytes();
        self.transport = self.transport.wrapping_add(1);
        let mut packet = Vec::new();
        let header = write_header(&mut packet, fields, [(TRANSPORT, &number[..]), (AUDIO_LEVEL, &[0x85])]);
        packet.extend_from_slice(payload);
        self.outbound.seal_rtp(&mut packet, 0, header, fields.ssrc, self.index).unwrap();
        self.index += 1;
        packet
    }

    pub(crate) fn take(&mut self, datagram: &[u8]) {
        let mut bytes = datagram.to_vec();
        if is_rtcp(&bytes) {
            let length = self.inbound.open_rtcp(&mut bytes).unwrap();
            self.feedback.push(bytes[..length].to_vec());
        } else {
            let header = Header::parse(&bytes).unwrap();
            let (length, _) = self.inbound.open_rtp(&mut bytes, header.payload, header.ssrc, header.sequence).unwrap();
            bytes.truncate(length);
            self.media.push((header, bytes));
        }
    }

    /// Types and formats of all feedback since the last call.
    pub(crate) fn kinds(&mut self) -> Vec<(u8, u8)> {
        let mut kinds = Vec::new();
        for compound in self.feedback.drain(..) {
            let mut at = 0;
            while at < compound.len() {
                kinds.push((compound[at + 1], compound[at] & 31));
                at += 4 * (1 + usize::from(u16::from_be_bytes([compound[at + 2], compound[at + 3]])));
            }
        }
        kinds
    }
}

pub(crate) const PLI: (u8, u8) = (206, 1);
pub(crate) const REMB: (u8, u8) = (206, 15);
pub(crate) const TRANSPORT_FEEDBACK: (u8, u8) = (205, 15);

/// A browser, and what is negotiated with it.
pub(crate) fn browser_with(id: PeerId, payload_type: u8, video: Codec) -> (Browser, PeerSetup) {
    let remote: SocketAddr = format!("192.0.2.{id}:4000").parse().unwrap();
    let path = Path::udp(remote, [198, 51, 100, 1].into());
    let browser = Browser {
        id,
        path,
        outbound: Outbound::new(&keys(id as u8)).unwrap(),
        inbound: Inbound::new(&keys(100 + id as u8)).unwrap(),
        payload_type,
        index: 60_000 + 700 * id,
        transport: 0,
        media: Vec::new(),
        feedback: Vec::new(),
    };
    let numbered = |medium: Medium| {
        let codec = if medium.is_video() { video } else { Codec::Opus };
        let rtx_payload_type = medium.is_video().then_some(payload_type + 10);
        vec![NumberedCodec { codec, payload_type: payload_type + medium as u8, rtx_payload_type }]
    };
    let media = [Medium::Microphone, Medium::Camera];
    let lines = media.map(|medium| LineSetup {
        medium,
        mid: vec![b'0' + medium as u8],
        ssrc: Some(browser.ssrc(medium)),
        rtx_ssrc: Some(browser.ssrc(medium) + 100),
        codecs: numbered(medium),
        extensions: ids(true),
    });
    let slots = media.map(|medium| SlotSetup {
        seat: 0,
        medium,
        mid: vec![b'5' + medium as u8],
        ssrc: browser.slot(medium),
        rtx_ssrc: browser.slot(medium) + 100,
        codecs: numbered(medium),
        extensions: ids(false),
    });
    let setup = PeerSetup { lines: lines.to_vec(), slots: slots.to_vec(), bitrate: 2_500_000 };
    (browser, setup)
}

impl World {
    pub(crate) fn new() -> Self {
        let ntp = NtpClock::new(1_000_000_000, Time::default());
        let exchange = Exchange::new(
            Arc::new(Totals::default()),
            ntp,
            Patience { consent: 30_000, silence: 7_000 },
            Arc::default(),
        );
        Self { exchange, out: Outbox::default(), now: Time::from_millis(1_000), deaf: Vec::new(), seen: 0 }
    }

    /// Bytes to a path since the last `clear`.
    pub(crate) fn sent_to(&self, path: Path) -> usize {
        self.out.items().iter().filter(|item| item.path == path).map(|item| self.out.bytes(item).len()).sum()
    }

    /// Someone who is admitted, checked, opened and secured.
    pub(crate) fn join(&mut self, id: PeerId, payload_type: u8) -> Browser {
        self.join_with(id, payload_type, Codec::Vp8)
    }

    /// Someone of whom nothing has come yet.
    pub(crate) fn admit(&mut self, id: PeerId, payload_type: u8, video: Codec) -> (Browser, Arc<PeerCounters>) {
        let (browser, setup) = browser_with(id, payload_type, video);
        let local = Side { ufrag: format!("ufrag{id}").into_bytes(), password: PASSWORD.to_vec() };
        let remote = Side { ufrag: b"them".to_vec(), password: REMOTE_PASSWORD.to_vec() };
        self.order(Command::Admit { peer: id, local, remote });
        let counters = Arc::new(PeerCounters::default());
        self.order(Command::Open { peer: id, setup, counters: Arc::clone(&counters) });
        (browser, counters)
    }

    /// As [`Self::join`], with another video codec.
    pub(crate) fn join_with(&mut self, id: PeerId, payload_type: u8, video: Codec) -> Browser {
        let (mut browser, _) = self.admit(id, payload_type, video);
        let path = browser.path;
        self.exchange.receive(&mut check(&format!("ufrag{id}")), path, self.now, &mut self.out);
        self.answer();
        self.clear();
        assert_eq!(self.exchange.take_events(), [Event::FlowSelected(id, path)]);
        self.order(Command::Secure { peer: id, receive: keys(id as u8), send: keys(100 + id as u8) });
        browser.media.clear();
        browser
    }

    pub(crate) fn order(&mut self, command: Command) {
        self.exchange.obey(command, self.now, &mut self.out);
    }

    pub(crate) fn show(&mut self, receiver: &Browser, sender: Option<&Browser>) {
        for medium in [Medium::Microphone, Medium::Camera] {
            let source = sender.map(|sender| LineId { peer: sender.id, medium });
            self.order(Command::Route { slot: SlotId { peer: receiver.id, seat: 0, medium }, source });
        }
    }

    pub(crate) fn send(&mut self, sender: &mut Browser, medium: Medium, timestamp: u32, payload: &[u8]) {
        let mut packet = sender.packet(medium, timestamp, payload);
        self.exchange.receive(&mut packet, sender.path, self.now, &mut self.out);
    }

    /// Let everybody have what is theirs.
    pub(crate) fn deliver(&mut self, browsers: &mut [&mut Browser]) {
        self.answer();
        for item in self.out.sorted().to_vec() {
            if stun::Message::parse(self.out.bytes(&item)).is_some() {
                continue;
            }
            if let Some(browser) = browsers.iter_mut().find(|browser| browser.id == item.peer) {
                assert_eq!(browser.path, item.path);
                browser.take(self.out.bytes(&item));
            }
        }
        self.clear();
    }

    pub(crate) fn clear(&mut self) {
        self.out.clear();
        self.seen = 0;
    }

    /// Answer what was asked, as a browser does wherever it is.
    pub(crate) fn answer(&mut self) {
        let new: Vec<_> = self.out.items().iter().skip(self.seen).copied().collect();
        for item in new {
            let question = stun::Message::parse(self.out.bytes(&item)).filter(|message| !message.is_answer);
            if let Some(question) = question.filter(|_| !self.deaf.contains(&item.path)) {
                assert_eq!(question.local_ufrag(), b"them");
                let mut answer = Vec::new();
                question.respond(item.path.remote, &stun::integrity_key(REMOTE_PASSWORD), &mut answer);
                self.exchange.receive(&mut answer, item.path, self.now, &mut self.out);
            }
        }
        self.seen = self.out.items().len();
    }

    pub(crate) fn pass(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now = self.now.plus_millis(1);
            self.exchange.run_rounds(self.now, &mut self.out);
            self.answer();
        }
    }
}

pub(crate) fn keyframe(id: u16) -> [u8; 14] {
    keyframe_of(id, 640, 480)
}

pub(crate) fn keyframe_of(id: u16, width: u16, height: u16) -> [u8; 14] {
    let ([high, low], [w, idth], [h, eight]) = ((0x8000 | id).to_be_bytes(), width.to_le_bytes(), height.to_le_bytes());
    [0x90, 0x80, high, low, 0x00, 0xaa, 0xaa, 0x9d, 0x01, 0x2a, w, idth, h, eight]
}

pub(crate) fn delta(id: u16) -> [u8; 14] {
    let [high, low] = (0x8000 | id).to_be_bytes();
    let mut payload = [0xbb; 14];
    payload[..5].copy_from_slice(&[0x90, 0x80, high, low, 0x01]);
    payload
}
