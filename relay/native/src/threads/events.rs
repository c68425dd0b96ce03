//! The way up to Python: bounded queues, and one signal for each batch.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use crate::counters::{Reason, Totals};
use crate::exchange::Event;
use crate::ids::PeerId;
use crate::net::Wake;
use crate::outbox::Outbox;

/// What a media thread tells Python.
#[derive(Debug)]
pub enum CoreEvent {
    /// Something happened to a peer.
    OfPeer(Event),
    /// A thread has ended, though nobody told it to, with this last word.
    ThreadDied(String),
}

/// A plain packet for a transcoder.
pub type ForTranscoder = (PeerId, Vec<u8>);

/// Where one thread leaves what happens.
pub(crate) struct Events {
    queue: SyncSender<CoreEvent>,
    for_transcoders: SyncSender<ForTranscoder>,
    wake: Arc<Wake>,
    /// Flow events that did not fit: of each peer the latest about its path and the latest about its silence.
    waiting: HashMap<(PeerId, bool), Event>,
}

impl Events {
    /// The reader of both queues waits for `wake`.
    pub(crate) fn new(
        queue: SyncSender<CoreEvent>,
        for_transcoders: SyncSender<ForTranscoder>,
        wake: Arc<Wake>,
    ) -> Self {
        Self { queue, for_transcoders, wake, waiting: HashMap::new() }
    }

    /// What a batch has for transcoders. They miss what their queue has no room for.
    pub(crate) fn tell_transcoders(&self, outbox: &mut Outbox, totals: &Totals) {
        let inside = outbox.take_inside();
        if inside.is_empty() {
            return;
        }
        for packet in inside {
            if self.for_transcoders.try_send(packet).is_err() {
                totals.drops.count(Reason::TranscoderBacklog);
            }
        }
        self.wake.signal();
    }

    /// What a batch led to.
    pub(crate) fn tell(&mut self, events: Vec<Event>, totals: &Totals) {
        if events.is_empty() && self.waiting.is_empty() {
            return;
        }
        let waiting: Vec<Event> = self.waiting.drain().map(|(_, event)| event).collect();
        for event in waiting.into_iter().chain(events) {
            let Err(TrySendError::Full(CoreEvent::OfPeer(event))) = self.queue.try_send(CoreEvent::OfPeer(event))
            else {
                continue;
            };
            match event {
                // The handshake repeats what is lost.
                Event::Dtls(..) => totals.drops.count(Reason::DtlsBacklog),
                // It is said again in a second.
                Event::NoCommonCodec(_) => {}
                Event::FlowSelected(peer, _) | Event::FlowLost(peer) => {
                    self.waiting.insert((peer, false), event);
                }
                Event::FlowSilent(peer) | Event::FlowResumed(peer) => {
                    self.waiting.insert((peer, true), event);
                }
            }
        }
        self.wake.signal();
    }

    /// The thread ends.
    pub(crate) fn tell_death(&self, message: String) {
        // If the queue is full its reader will see the closed channel instead.
        let _ = self.queue.try_send(CoreEvent::ThreadDied(message));
        self.wake.signal();
    }
}
