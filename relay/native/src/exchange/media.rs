//! Media on its way through: one sender's packet to the slots that show its line, and feedback back.

use super::{Event, Exchange};
use crate::counters::Reason;
use crate::feedback::cap::Arrival;
use crate::forward::line::Line;
use crate::forward::slot::{Held, Media};
use crate::ids::{LineId, PeerId, SlotId};
use crate::outbox::Outbox;
use crate::time::Time;
use crate::wire::rtcp;
use crate::wire::rtp::is_rtcp;

impl Exchange {
    /// SRTP or SRTCP from an address that `id` proved, or plain from a transcoder.
    pub(super) fn receive_media(&mut self, id: PeerId, datagram: &mut [u8], now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else {
            self.totals.drops.count(Reason::NotSecureYet);
            return;
        };
        peer.counters.received.count(datagram.len());
        if peer.is_flooding(now) {
            self.drop_for(id, Reason::Flooded);
            return;
        }
        if is_rtcp(datagram) {
            self.receive_rtcp(id, datagram, now, out);
            return;
        }
        match peer.receive_rtp(datagram, &self.ntp, now) {
            Err(reason) => self.drop_for(id, reason),
            Ok(arrived) => {
                let medium = arrived.medium;
                if !arrived.fits {
                    self.refuse_picture(LineId { peer: id, medium });
                    return;
                }
                let media = Media {
                    codec: arrived.codec,
                    marker: arrived.header.marker,
                    index: arrived.index,
                    timestamp: arrived.header.timestamp,
                    ssrc: arrived.header.ssrc,
                    payload: arrived.payload,
                    audio_level: arrived.audio_level,
                    keyframe: arrived.keyframe,
                    recovered: arrived.recovered,
                    delay: arrived.delay,
                };
                let gap = arrived.gap;
                self.forward(LineId { peer: id, medium }, &media, now, out);
                if gap {
                    self.recover(id, now, out);
                }
            }
        }
    }

    /// What goes on with a picture that does not fit is of no use: it is as if no keyframe had come.
    fn refuse_picture(&mut self, source: LineId) {
        self.drop_for(source.peer, Reason::PictureTooLarge);
        let Some(line) = self.line_mut(source) else { return };
        for receiver in line.receivers.clone() {
            let peer = self.peers.get_mut(&receiver.peer);
            if let Some(slot) = peer.and_then(|peer| peer.slots.get_mut(receiver.seat, receiver.medium)) {
                slot.await_keyframe();
            }
        }
    }

    fn forward(&mut self, source: LineId, media: &Media<'_>, now: Time, out: &mut Outbox) {
        let Some(line) = self.line_mut(source) else { return };
        // Taken out for the while, because the receivers are in the same map as the sender.
        let receivers = std::mem::take(&mut line.receivers);
        if receivers.is_empty() {
            self.drop_for(source.peer, Reason::NotRouted);
        }
        let mut wants_keyframe = false;
        for receiver in &receivers {
            match self.forward_to(*receiver, media, now, out) {
                Ok(()) => {}
                Err(Held::AwaitingKeyframe) => {
                    wants_keyframe = true;
                    self.drop_for(receiver.peer, Reason::AwaitingKeyframe);
                }
                Err(Held::Dropped(reason)) => {
                    if reason == Reason::NoCommonCodec {
                        self.complain(*receiver, now);
                    }
                    self.drop_for(receiver.peer, reason);
                }
            }
        }
        let Some(line) = self.line_mut(source) else { return };
        line.receivers = receivers;
        if wants_keyframe && line.keyframes.held(now) {
            self.request_keyframe(source, out);
        }
    }

    /// Nobody but a transcoder can show the slot what it was sent.
    fn complain(&mut self, slot: SlotId, now: Time) {
        let peer = self.peers.get_mut(&slot.peer);
        if peer.and_then(|peer| peer.slots.get_mut(slot.seat, slot.medium)).is_some_and(|slot| slot.complains(now)) {
            self.events.push(Event::NoCommonCodec(slot));
        }
    }

    fn forward_to(&mut self, slot: SlotId, media: &Media<'_>, now: Time, out: &mut Outbox) -> Result<(), Held> {
        let peer = self.peers.get_mut(&slot.peer).ok_or(Held::Dropped(Reason::NotRouted))?;
        let secured = peer.secured.as_mut().ok_or(Held::Dropped(Reason::NotSecureYet))?;
        let receiver = peer.slots.get_mut(slot.seat, slot.medium).ok_or(Held::Dropped(Reason::NotRouted))?;
        let length = self
            .table
            .send(slot.peer, out, |packets| receiver.forward(media, now, &self.ntp, &mut secured.outbound, packets))?;
        peer.counters.sent.count(length);
        if !peer.is_transcoder {
            self.totals.sent.count(length);
        }
        if media.recovered {
            self.attend(slot.peer);
        }
        Ok(())
    }

    fn receive_rtcp(&mut self, id: PeerId, datagram: &mut [u8], now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(secured) = &mut peer.secured else {
            self.drop_for(id, Reason::NotSecureYet);
            return;
        };
        let Ok(length) = secured.inbound.open_rtcp(datagram) else {
            self.drop_for(id, Reason::SrtpRejected);
            return;
        };
        if !peer.may_send(length, now) {
            self.drop_for(id, Reason::Flooded);
            return;
        }
        let read = rtcp::read(&datagram[..length], |packet| match packet {
            rtcp::Packet::SenderReport { ssrc, anchor } => self.receive_sender_report(id, ssrc, anchor, now),
            rtcp::Packet::Report(block) => self.receive_report(id, block, now),
            rtcp::Packet::Estimate { bitrate } => self.receive_estimate(id, bitrate, now),
            rtcp::Packet::Nack { ssrc, sequence, following } => self.repeat(id, ssrc, sequence, following, now, out),
            rtcp::Packet::KeyframeRequest { ssrc } => self.receive_keyframe_request(id, ssrc, now, out),
        });
        if read.is_err() {
            self.drop_for(id, Reason::RtcpMalformed);
        }
    }

    fn receive_sender_report(&mut self, id: PeerId, ssrc: u32, anchor: rtcp::Anchor, now: Time) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if let Some(line) = peer.lines.iter_mut().flatten().find(|line| line.setup.ssrc == Some(ssrc)) {
            line.reception.note_report(anchor, now);
            peer.clock.note_report(anchor, &self.ntp, now);
        }
    }

    /// A receiver reports on a slot.
    fn receive_report(&mut self, id: PeerId, block: rtcp::ReportBlock, now: Time) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(slot) = peer.slots.with_ssrc(block.ssrc) else { return };
        let (expected, lost) = slot.note_report(&block);
        let (is_video, sent) = (slot.setup.medium.is_video(), slot.sent.0);
        // What waited on the link when our last report took it may be gone since.
        let most = slot.kept.age(block.highest as u16, now).unwrap_or(u64::MAX);
        let round_trip = block.round_trip(self.ntp.timestamp(now)).map(|round_trip| round_trip.min(most));
        peer.counters.arrival.add(expected, lost);
        if let Some(round_trip) = round_trip {
            let smooth = peer.round_trip.map_or(round_trip, |before| (7 * before + round_trip) / 8);
            peer.round_trip = Some(smooth);
            peer.counters.round_trip.set(smooth.max(1));
        }
        if is_video {
            let fraction_lost = (lost * 256).checked_div(expected).unwrap_or(0).min(255) as u8;
            peer.counters.arrival.set(&rtcp::ReportBlock { fraction_lost, ..block });
            let lost = (expected * u64::from(block.fraction_lost) + 128) / 256;
            let with_others = (peer.counters.sent.packets.get(), peer.counters.sent.bytes.get());
            let arrival = Arrival { expected, lost, round_trip, sent, with_others };
            peer.downlink.reported(arrival, peer.delivered, now);
        } else if let Some(round_trip) = round_trip {
            peer.downlink.took(round_trip, now);
        }
    }

    /// A receiver estimates what it can receive.
    fn receive_estimate(&mut self, id: PeerId, bitrate: u64, now: Time) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        peer.downlink.estimated(bitrate, now);
        peer.counters.estimate.set(bitrate);
    }

    fn receive_keyframe_request(&mut self, id: PeerId, ssrc: u32, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get(&id) else { return };
        let Some(slot) = peer.slots.iter().find(|slot| slot.setup.ssrc == ssrc) else { return };
        let Some(source) = slot.source.filter(|source| source.medium.is_video()) else { return };
        peer.counters.keyframes_wanted.add(1);
        let Some(line) = self.line_mut(source) else { return };
        if line.keyframes.lost(now) {
            self.request_keyframe(source, out);
        } else {
            self.drop_for(id, Reason::FeedbackThrottled);
        }
    }

    /// Ask the sender of `source` for a keyframe now.
    pub(super) fn request_keyframe(&mut self, source: LineId, out: &mut Outbox) {
        let Some(peer) = self.peers.get(&source.peer) else { return };
        let Some(ssrc) = peer.lines[source.medium as usize].as_ref().and_then(|line| line.setup.ssrc) else { return };
        peer.counters.keyframe_requests.add(1);
        let reporter = peer.reporter();
        self.send_rtcp(source.peer, out, |packets| {
            // A compound packet begins with a report (RFC 3550 section 6.1).
            rtcp::write_receiver_report(reporter, &[], packets);
            rtcp::write_pli(reporter, ssrc, packets);
            true
        });
    }

    /// Seal and send what `write` appends, if it says that it appended something.
    pub(super) fn send_rtcp(&mut self, id: PeerId, out: &mut Outbox, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Some(secured) = &mut peer.secured else { return };
        let sent = self.table.send(id, out, |packets| {
            let start = packets.len();
            if !write(packets) || secured.outbound.seal_rtcp(packets, start).is_none() {
                return Err(());
            }
            Ok(packets.len() - start)
        });
        if let Ok(length) = sent {
            peer.counters.sent.count(length);
            if !peer.is_transcoder {
                self.totals.sent.count(length);
            }
        }
    }

    pub(super) fn line_mut(&mut self, line: LineId) -> Option<&mut Line> {
        self.peers.get_mut(&line.peer)?.lines[line.medium as usize].as_mut()
    }

    /// Where `line` stands on the relay's clock, if its sender's reports tell.
    pub(super) fn position(&self, line: LineId, now: Time) -> Option<u32> {
        let peer = self.peers.get(&line.peer)?;
        peer.lines[line.medium as usize].as_ref()?.position(&peer.clock, &self.ntp, now)
    }

    pub(super) fn drop_for(&self, id: PeerId, reason: Reason) {
        self.totals.drops.count(reason);
        if let Some(peer) = self.peers.get(&id) {
            peer.counters.drops.count(reason);
        }
    }
}
