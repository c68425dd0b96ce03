//! One person's media: what they send and receive over one socket.

use crate::carrier::Carrier;
use crate::clip::Clip;
use crate::clock::{MILLISECOND, Nanos};
use crate::downlink::{Downlink, Expected, Seen, Slot};
use crate::rtcp::{self, Said};
use crate::rtp;
use crate::shield::Shield;
use crate::stamp::Kind;
use crate::tally::Tally;
use crate::udp::Outbox;
use crate::uplink::{Line, Uplink, Wire};

/// What is the same for all people.
pub struct Common {
    pub clip: Clip,
    pub audio_bytes: usize,
    pub is_foreign: bool,
    /// Fraction of datagrams that the person whose turn it is loses, each way.
    pub loss: f64,
    pub tally: Tally,
    pub outbox: Outbox,
}

/// The state of one person's streams.
pub struct Media {
    person: u32,
    shield: Shield,
    microphone: Uplink,
    camera: Option<Uplink>,
    slots: [Downlink; 2],
    transport_sequence: u16,
    /// Whose media we should see; None while there is nobody, or nobody that we play.
    partner: Option<u32>,
    /// The last one, and since when the relay has shown somebody else: what was in flight is no fault.
    previous: Option<(u32, Nanos)>,
    /// Who is seen before the relay's message about them comes, and since when: it may have paired us anew while we
    /// said something else.
    early: Option<(u32, Nanos)>,
    /// The WebSocket is cut: whom we should see is not known.
    pub is_uninformed: bool,
}

/// What one datagram meant to the conversation.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    FirstKeyframe,
    Nothing,
}

/// How long after a new meeting the old partner's packets may still arrive: they waited in our socket, if
/// this machine is busy.
const STRAGGLING: Nanos = 500 * MILLISECOND;

/// How long a new partner may be seen before the relay's message about them is read.
const SURPRISE: Nanos = 1_000 * MILLISECOND;

impl Media {
    pub fn new(
        person: u32,
        shield: Shield,
        microphone: Line,
        camera: Option<Line>,
        slots: [Slot; 2],
        common: &Common,
        now: Nanos,
    ) -> Self {
        let uplink = |line, kind| Uplink::new(line, person, kind, common.audio_bytes, now);
        Self {
            person,
            shield,
            microphone: uplink(microphone, Kind::Audio),
            camera: camera.map(|line| uplink(line, Kind::Video)),
            slots: slots.map(Downlink::new),
            transport_sequence: 0,
            partner: None,
            previous: None,
            early: None,
            is_uninformed: false,
        }
    }

    pub fn has_camera(&self) -> bool {
        self.camera.is_some()
    }

    /// A conversation begins: with whom, may turn out later.
    pub fn meet(&mut self, now: Nanos, common: &mut Common) {
        self.previous = self.partner.take().or(self.previous.map(|(previous, _)| previous)).map(|it| (it, now));
        for slot in &mut self.slots {
            slot.cut(common.is_foreign, &mut common.tally);
        }
        if let Some(camera) = &mut self.camera {
            camera.refresh();
        }
    }

    /// The conversation is over.
    pub fn part(&mut self, now: Nanos, common: &mut Common) {
        self.meet(now, common);
        self.early = None;
    }

    /// The partner is another of our people.
    pub fn recognise(&mut self, partner: u32, common: &mut Common) {
        self.partner = Some(partner);
        if self.early.take().is_some_and(|(early, _)| early != partner) {
            common.tally.wrong_person += 1;
        }
    }

    /// Send one picture or 20 ms of sound.
    pub fn send(&mut self, kind: Kind, due: Nanos, socket: &Carrier, common: &mut Common) {
        let Common { clip, tally, outbox, .. } = common;
        let Self { shield, transport_sequence, .. } = self;
        let mut wire = Wire { shield, outbox, transport_sequence, clip, tally };
        match (kind, &mut self.camera) {
            (Kind::Audio, _) => self.microphone.speak(due, &mut wire),
            (Kind::Video, Some(camera)) => camera.show(due, &mut wire),
            (Kind::Video, None) => return,
        }
        common.flush(socket);
    }

    /// Take one SRTP or SRTCP datagram.
    pub fn receive(&mut self, datagram: &mut [u8], now: Nanos, socket: &Carrier, common: &mut Common) -> Outcome {
        if rtp::is_rtcp(datagram) {
            self.receive_rtcp(datagram, now, socket, common);
            return Outcome::Nothing;
        }
        let Ok(packet) = self.shield.open_rtp(datagram) else {
            common.tally.undecryptable += 1;
            return Outcome::Nothing;
        };
        let slot =
            rtp::header_length(packet).and_then(|_| self.slots.iter_mut().find(|slot| slot.owns(rtp::ssrc(packet))));
        let Some(slot) = slot else {
            common.tally.unknown_stream += 1;
            return Outcome::Nothing;
        };
        let expected = Expected { clip: &common.clip, is_foreign: common.is_foreign, now };
        let had_keyframe = slot.has_keyframe();
        let seen = slot.take(packet, &expected, &mut common.tally, |stamp| Some(stamp.sender) == self.partner);
        let turned = !had_keyframe && slot.has_keyframe();
        if let Seen::Stamp(stamp) = seen
            && Some(stamp.sender) != self.partner
        {
            self.suspect(stamp.sender, now, &mut common.tally);
        }
        if turned { Outcome::FirstKeyframe } else { Outcome::Nothing }
    }

    /// Send reports, once a second.
    pub fn report(&mut self, now: Nanos, socket: &Carrier, common: &mut Common) {
        let lines = [Some(&self.microphone), self.camera.as_ref()];
        common.outbox.push(|bytes| {
            self.shield.seal_rtcp(bytes, |bytes| {
                let start = bytes.len();
                for (line, slot) in lines.into_iter().zip(&self.slots) {
                    if let Some(info) = line.and_then(|line| line.report(now)) {
                        rtcp::write_sender_report(&info, slot.report(now).as_ref(), bytes);
                    }
                }
                if bytes.len() > start {
                    rtcp::write_source_description(self.microphone.ssrc(), "person", bytes);
                }
            });
        });
        common.flush(socket);
    }

    /// Packets that should have come, those that did not at first, and pictures that did.
    pub fn arrivals(&self) -> [u64; 3] {
        let of_each = self.slots.each_ref().map(Downlink::arrivals);
        std::array::from_fn(|place| of_each.iter().map(|of| of[place]).sum())
    }

    /// Ask for what is missing, often.
    pub fn ask(&mut self, now: Nanos, socket: &Carrier, common: &mut Common) {
        let reporter = self.microphone.ssrc();
        let Common { tally, outbox, .. } = common;
        outbox.push(|bytes| {
            self.shield.seal_rtcp(bytes, |bytes| {
                for slot in &mut self.slots {
                    slot.ask(reporter, now, tally, bytes);
                }
            });
        });
        common.flush(socket);
    }

    /// The connection is over.
    pub fn finish(&mut self, common: &mut Common) {
        for slot in &mut self.slots {
            slot.finish(common.is_foreign, &mut common.tally);
        }
    }

    fn receive_rtcp(&mut self, datagram: &mut [u8], now: Nanos, socket: &Carrier, common: &mut Common) {
        let Ok(packet) = self.shield.open_rtcp(datagram) else {
            common.tally.undecryptable += 1;
            return;
        };
        for said in rtcp::parse(packet) {
            match said {
                Said::KeyframeWanted(ssrc) => {
                    if let Some(camera) = self.camera.as_mut().filter(|camera| camera.ssrc() == ssrc) {
                        common.tally.keyframes_asked += 1;
                        camera.refresh();
                    }
                }
                Said::Missing(ssrc, missing) => {
                    let Common { clip, tally, outbox, .. } = common;
                    let Self { shield, transport_sequence, .. } = self;
                    let mut wire = Wire { shield, outbox, transport_sequence, clip, tally };
                    if let Some(camera) = self.camera.as_mut().filter(|camera| camera.ssrc() == ssrc) {
                        camera.send_again(&missing, &mut wire);
                    }
                    common.flush(socket);
                }
                Said::SenderReport(ssrc, report) => {
                    if let Some(slot) = self.slots.iter_mut().find(|slot| slot.owns(ssrc)) {
                        slot.note_report(report, now);
                    }
                }
            }
        }
    }

    /// Somebody else's packet, authentic as it is.
    fn suspect(&mut self, sender: u32, now: Nanos, tally: &mut Tally) {
        if self.is_uninformed {
            return;
        }
        // Until somebody new is there, the relay may not have heard yet that we parted.
        let straggles = |since| self.partner.is_none() || now < since + STRAGGLING;
        if self.previous.is_some_and(|(previous, since)| previous == sender && straggles(since)) {
            return;
        }
        let (early, since) = *self.early.get_or_insert((sender, now));
        if sender == self.person || sender != early || (self.partner.is_some() && now > since + SURPRISE) {
            tally.wrong_person += 1;
        }
    }
}

impl Common {
    /// Send what is in the outbox.
    pub fn flush(&mut self, socket: &Carrier) {
        let Self { loss, tally, outbox, .. } = self;
        tally.dropped += outbox.lose(|datagram| tally.up.pass(datagram, *loss)) as u64;
        socket.send(outbox);
    }

    /// Whether an arriving datagram is to be lost.
    pub fn loses(&mut self, datagram: &[u8]) -> bool {
        let loses = self.tally.down.pass(datagram, self.loss);
        self.tally.dropped += u64::from(loses);
        loses
    }
}
