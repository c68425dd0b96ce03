//! What happens without a packet: feedback, reports, and the end of consent.
//!
//! A round comes every [`ROUND`] milliseconds and serves one tenth of the peers, so that each gets
//! feedback every 100 ms and nothing happens to all at once.

use super::{Event, Exchange};
use crate::forward::playout;
use crate::forward::slot::Slot;
use crate::ids::{LineId, Medium, PeerId, SlotId};
use crate::outbox::Outbox;
use crate::time::Time;
use crate::wire::rtcp::{self, Anchor, SenderInfo};

/// Milliseconds between rounds.
pub const ROUND: u64 = 10;

/// Groups of peers; each is served every `ROUND * GROUPS` milliseconds.
const GROUPS: u64 = 10;

/// Services of a group between two reports of the same peer: a second.
const SERVICES_PER_REPORT: u64 = 10;

/// Rounds so far, and when the next is due.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    count: u64,
    due: Time,
}

impl Exchange {
    /// When [`Self::run_rounds`] wants to be called next.
    pub fn due(&self) -> Time {
        self.rounds.due
    }

    /// Whether nobody needs a round as often as that: without peers a second's delay does no harm.
    pub fn is_idle(&self) -> bool {
        self.table.is_empty()
    }

    /// Do what is due. One round at most: what was missed is not made up for.
    pub fn run_rounds(&mut self, now: Time, out: &mut Outbox) {
        if now < self.rounds.due {
            return;
        }
        self.rounds.due = now.plus_millis(ROUND);
        let round = self.rounds.count;
        self.rounds.count += 1;
        let service = round / GROUPS;
        let group: Vec<PeerId> = self.peers.keys().copied().filter(|id| id % GROUPS == round % GROUPS).collect();
        self.recover_all(now, out);
        for id in group {
            // Peers of one group report in different services.
            let since = (service + id / GROUPS) % SERVICES_PER_REPORT;
            self.serve(id, since, now, out);
        }
        self.table.ask_back(GROUPS, round % GROUPS, now, out);
        if round % (1_000 / ROUND) == 0 || self.table.is_empty() {
            self.events.extend(self.table.fall_silent(now).into_iter().map(Event::FlowSilent));
            self.events.extend(self.table.expire(now).into_iter().map(Event::FlowLost));
            self.expire_turn(now);
        }
    }

    /// `since`: services since the peer's report was due.
    fn serve(&mut self, id: PeerId, since: u64, now: Time, out: &mut Outbox) {
        let reports = since == 0;
        // What comes back tells the round trip.
        let watched = since % 2 == 0 && self.peers.get(&id).is_some_and(|peer| peer.downlink.is_watched(now));
        let infos = self.sender_infos(id, reports || watched, now);
        let cap = self.cap(id, now);
        self.follow_loss(id, now);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if peer.secured.is_none() {
            return;
        }
        let reporter = peer.reporter();
        let streams: Vec<u32> = peer.lines.iter().flatten().filter_map(|line| line.setup.ssrc).collect();
        peer.follow_delivery(now);
        // A cap never expires by itself: a switch lifts what the last receiver brought about.
        let capped = peer.cap.changed(cap, now) | std::mem::take(&mut peer.uncap_due);
        let allowed = cap.unwrap_or(peer.bitrate);
        peer.counters.cap.set(cap.unwrap_or(0));
        let capped = capped && !streams.is_empty();
        let mut blocks = Vec::new();
        if reports {
            peer.measure(now);
            let mut arrived = (0, 0);
            for line in peer.lines.iter_mut().flatten() {
                let (expected, lost) = line.reception.so_far();
                arrived = (arrived.0 + expected, arrived.1 + lost);
                let block = line.setup.ssrc.and_then(|ssrc| line.reception.report(ssrc, now));
                if let Some(block) = block.filter(|_| line.setup.medium == Medium::Camera) {
                    peer.counters.reception.set(&block);
                }
                blocks.extend(block);
            }
            peer.counters.reception.so_far(arrived.0, arrived.1);
        }
        let mut kept = 0;
        for slot in peer.slots.iter_mut() {
            slot.kept.forget_old(now);
            kept += slot.kept.bytes();
        }
        peer.counters.kept.set(kept);
        let mut feedback = Vec::new();
        if let Some(media) = streams.first() {
            peer.transport.write(reporter, *media, &mut feedback);
        }
        if infos.is_empty() && blocks.is_empty() && feedback.is_empty() && !capped {
            return;
        }
        self.send_rtcp(id, out, |packets| {
            for info in &infos {
                rtcp::write_sender_report(*info, packets);
            }
            if infos.is_empty() || !blocks.is_empty() {
                rtcp::write_receiver_report(reporter, &blocks, packets);
            }
            for info in &infos {
                rtcp::write_source_description(info.ssrc, packets);
            }
            if capped {
                rtcp::write_remb(reporter, allowed, &streams, packets);
            }
            packets.extend_from_slice(&feedback);
            true
        });
    }

    /// Have the peer keep what it shows for as long as loss recovery takes, on its own link and on the sender's.
    fn follow_loss(&mut self, id: PeerId, now: Time) {
        let Some(peer) = self.peers.get(&id) else { return };
        let own = playout::needed(peer.downlink.loss(), peer.round_trip);
        let shown = peer.slots.iter().filter(|slot| slot.setup.medium.is_video());
        let shown: Vec<(SlotId, LineId)> =
            shown.filter_map(|slot| Some((slot.setup.id_of(id), slot.source?))).collect();
        for (slot, source) in shown {
            let theirs = self.peers.get(&source.peer);
            let theirs = theirs.map_or(0, |peer| playout::needed(peer.loss(source.medium), peer.round_trip));
            let peer = self.peers.get_mut(&id);
            if let Some(slot) = peer.and_then(|peer| peer.slots.get_mut(slot.seat, slot.medium)) {
                slot.playout.follow(own.max(theirs), now);
            }
        }
    }

    /// What the peer may send, by the narrowest link to who watches it.
    fn cap(&mut self, id: PeerId, now: Time) -> Option<u64> {
        let sender = self.peers.get(&id)?;
        let (lines, most) = (sender.lines.iter().flatten(), sender.bitrate);
        let receivers: Vec<PeerId> = lines.flat_map(|line| &line.receivers).map(|receiver| receiver.peer).collect();
        let caps = receivers.into_iter().filter_map(|receiver| {
            let receiver = self.peers.get_mut(&receiver)?;
            let cap = receiver.downlink.cap(receiver.delivered, most, now);
            if receiver.downlink.take_spoilt() {
                let pictures = receiver.slots.iter_mut().filter(|slot| slot.setup.medium.is_video());
                pictures.for_each(Slot::await_keyframe);
            }
            cap
        });
        caps.min()
    }

    /// What to report of the peer's slots: all that are live every second, new ones at once.
    fn sender_infos(&mut self, id: PeerId, reports: bool, now: Time) -> Vec<SenderInfo> {
        let sources: Vec<Option<LineId>> = match self.peers.get(&id) {
            Some(peer) => peer.slots.iter().map(|slot| slot.source).collect(),
            None => return Vec::new(),
        };
        let positions: Vec<Option<u32>> =
            sources.iter().map(|source| source.and_then(|source| self.position(source, now))).collect();
        let ntp = self.ntp.timestamp(now);
        let Some(peer) = self.peers.get_mut(&id) else { return Vec::new() };
        let mut infos = Vec::new();
        for (slot, position) in peer.slots.iter_mut().zip(positions) {
            if !(reports || slot.report_due) {
                continue;
            }
            if let Some(rtp) = slot.position(position, now) {
                slot.report_due = false;
                infos.push(SenderInfo { ssrc: slot.setup.ssrc, anchor: Anchor { ntp, rtp }, sent: slot.sent });
            }
        }
        infos
    }
}

impl super::peer::Peer {
    /// Work out the bit rates since the last time.
    fn measure(&mut self, now: Time) {
        let (before, received_before, sent_before) = self.measured;
        let (received, sent) = (self.counters.received.bytes.get(), self.counters.sent.bytes.get());
        if let Some(elapsed) = Some(now.millis_since(before)).filter(|elapsed| *elapsed > 0) {
            self.counters.receive_rate.set((received - received_before) * 8_000 / elapsed);
            self.counters.send_rate.set((sent - sent_before) * 8_000 / elapsed);
        }
        self.measured = (now, received, sent);
    }
}
