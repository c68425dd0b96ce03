//! Mending: what is missing of a line is asked for, and what a receiver misses is sent again.

use super::Exchange;
use super::peer::Peer;
use crate::bindings::PeerId;
use crate::counters::Reason;
use crate::forward::line::End;
use crate::outbox::Outbox;
use crate::rtcp;
use crate::time::Time;

impl Exchange {
    /// Each round, because what is asked for late comes too late.
    pub(super) fn mend_all(&mut self, now: Time, out: &mut Outbox) {
        for id in std::mem::take(&mut self.mending) {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.is_mending = false;
                self.mend(id, now, out);
            }
        }
    }

    /// Ask for what is missing of the peer's lines, and send what it is due once more.
    pub(super) fn mend(&mut self, id: PeerId, now: Time, out: &mut Outbox) {
        self.send_copies(id, now, out);
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let (mut nacks, reporter) = (Vec::new(), peer.reporter());
        let lost = peer.ask_for_missing(now, &mut nacks);
        if !nacks.is_empty() {
            self.send_rtcp(id, out, |packets| {
                rtcp::write_receiver_report(reporter, &[], packets);
                packets.extend_from_slice(&nacks);
                true
            });
        }
        for medium in lost {
            self.request_keyframe(End { peer: id, medium }, out);
        }
        self.attend(id);
    }

    /// Have the peer served in the next round, if it needs that.
    pub(super) fn attend(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            if peer.needs_mending() && !std::mem::replace(&mut peer.is_mending, true) {
                self.mending.push(id);
            }
        }
    }

    /// The receiver of a slot misses a packet, and of the sixteen behind it those whose bits are set. They count before
    /// they are looked for: a datagram of NACKs names five thousand.
    pub(super) fn repeat(&mut self, id: PeerId, ssrc: u32, sequence: u16, following: u16, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !peer.slots.iter().flatten().any(|slot| slot.setup.ssrc == ssrc) {
            return;
        }
        if !peer.complaints.take_all(1 + following.count_ones(), now) {
            self.drop_for(id, Reason::FeedbackThrottled);
            return;
        }
        self.repeat_one(id, ssrc, sequence, now, out);
        for bit in (0..16).filter(|bit| following >> bit & 1 != 0) {
            self.repeat_one(id, ssrc, sequence.wrapping_add(bit + 1), now, out);
        }
    }

    fn repeat_one(&mut self, id: PeerId, ssrc: u32, sequence: u16, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let link = peer.link(now);
        let Peer { slots, secured: Some(secured), budget, counters, .. } = peer else { return };
        let Some(slot) = slots.iter_mut().flatten().find(|slot| slot.setup.ssrc == ssrc) else { return };
        counters.missed.add(1);
        let outbound = &mut secured.outbound;
        let ntp = &self.ntp;
        match self.table.send(id, out, |packets| slot.repeat(sequence, &link, budget, ntp, outbound, packets)) {
            Ok(length) => {
                counters.sent_again.add(1);
                counters.sent.count(length);
                self.totals.sent.count(length);
                self.attend(id);
            }
            Err(reason) => self.drop_for(id, reason),
        }
    }

    fn send_copies(&mut self, id: PeerId, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let link = peer.link(now);
        let Peer { slots, secured: Some(secured), budget, counters, .. } = peer else { return };
        for slot in slots.iter_mut().flatten() {
            while let Ok(length) = self
                .table
                .send(id, out, |packets| slot.copy(&link, budget, &self.ntp, &mut secured.outbound, packets).ok_or(()))
            {
                counters.sent_again.add(1);
                counters.sent.count(length);
                self.totals.sent.count(length);
            }
        }
    }
}
