//! Loss recovery: what is missing of a line is asked for, and what a receiver misses is retransmitted.

use super::Exchange;
use super::peer::Peer;
use crate::counters::Reason;
use crate::ids::{LineId, PeerId};
use crate::outbox::Outbox;
use crate::time::Time;
use crate::wire::rtcp;

impl Exchange {
    /// Each round, because what is asked for late comes too late.
    pub(super) fn recover_all(&mut self, now: Time, out: &mut Outbox) {
        for id in std::mem::take(&mut self.recovering) {
            if let Some(peer) = self.peers.get_mut(&id) {
                peer.is_recovering = false;
                self.recover(id, now, out);
            }
        }
    }

    /// Ask for what is missing of the peer's lines, and send what it is due once more.
    pub(super) fn recover(&mut self, id: PeerId, now: Time, out: &mut Outbox) {
        self.send_duplicates(id, now, out);
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
            self.request_keyframe(LineId { peer: id, medium }, out);
        }
        self.attend(id);
    }

    /// Have the peer served in the next round, if it needs that.
    pub(super) fn attend(&mut self, id: PeerId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            if peer.needs_recovery() && !std::mem::replace(&mut peer.is_recovering, true) {
                self.recovering.push(id);
            }
        }
    }

    /// The receiver of a slot misses a packet, and of the sixteen behind it those whose bits are set. They count before
    /// they are looked for: a datagram of NACKs names five thousand.
    pub(super) fn repeat(&mut self, id: PeerId, ssrc: u32, sequence: u16, following: u16, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        if !peer.slots.iter().any(|slot| slot.setup.ssrc == ssrc) {
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
        let downstream = peer.downstream(now);
        let Peer { slots, secured: Some(secured), budget, counters, .. } = peer else { return };
        let Some(slot) = slots.with_ssrc(ssrc) else { return };
        counters.missed.add(1);
        let outbound = &mut secured.outbound;
        let ntp = &self.ntp;
        match self.table.send(id, out, |packets| slot.repeat(sequence, &downstream, budget, ntp, outbound, packets)) {
            Ok(length) => {
                counters.retransmitted.add(1);
                counters.sent.count(length);
                self.totals.sent.count(length);
                self.attend(id);
            }
            Err(reason) => self.drop_for(id, reason),
        }
    }

    fn send_duplicates(&mut self, id: PeerId, now: Time, out: &mut Outbox) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let downstream = peer.downstream(now);
        let Peer { slots, secured: Some(secured), budget, counters, .. } = peer else { return };
        for slot in slots.iter_mut() {
            while let Ok(length) = self.table.send(id, out, |packets| {
                slot.duplicate(&downstream, budget, &self.ntp, &mut secured.outbound, packets).ok_or(())
            }) {
                counters.retransmitted.add(1);
                counters.sent.count(length);
                self.totals.sent.count(length);
            }
        }
    }
}
