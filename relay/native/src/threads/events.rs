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
pub struct Events {
    queue: SyncSender<CoreEvent>,
    for_transcoders: SyncSender<ForTranscoder>,
    wake: Arc<Wake>,
    /// Flow events that did not fit: of each peer the latest about its path and the latest about its silence.
    waiting: HashMap<(PeerId, bool), Event>,
}

impl Events {
    /// The reader of both queues waits for `wake`.
    pub fn new(queue: SyncSender<CoreEvent>, for_transcoders: SyncSender<ForTranscoder>, wake: Arc<Wake>) -> Self {
        Self { queue, for_transcoders, wake, waiting: HashMap::new() }
    }

    /// What a batch has for transcoders. They miss what their queue has no room for.
    pub fn tell_transcoders(&self, outbox: &mut Outbox, totals: &Totals) {
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
    pub fn tell(&mut self, events: Vec<Event>, totals: &Totals) {
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
    pub fn tell_death(&self, message: String) {
        // If the queue is full its reader will see the closed channel instead.
        let _ = self.queue.try_send(CoreEvent::ThreadDied(message));
        self.wake.signal();
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;
    use std::sync::mpsc::{Receiver, sync_channel};
    use std::time::Duration;

    use super::*;
    use crate::net::wait_readable;
    use crate::path::Path;

    /// What is told where so many events and so many packets have room.
    struct Told {
        events: Events,
        queue: Receiver<CoreEvent>,
        for_transcoders: Receiver<ForTranscoder>,
        wake: Arc<Wake>,
        totals: Totals,
    }

    impl Told {
        fn new(room: usize) -> std::io::Result<Self> {
            let ((sender, queue), (packets, for_transcoders)) = (sync_channel(room), sync_channel(room));
            let wake = Arc::new(Wake::new()?);
            let events = Events::new(sender, packets, Arc::clone(&wake));
            Ok(Self { events, queue, for_transcoders, wake, totals: Totals::default() })
        }

        /// What the reader finds when a batch led to this.
        fn tell(&mut self, events: Vec<Event>) -> Vec<Event> {
            self.events.tell(events, &self.totals);
            let of_peer = |event| if let CoreEvent::OfPeer(event) = event { Some(event) } else { None };
            self.queue.try_iter().filter_map(of_peer).collect()
        }

        /// Whether its reader was woken since the last time.
        fn woke(&self) -> bool {
            let woke = wait_readable(&[], &self.wake, Duration::ZERO);
            self.wake.clear();
            woke
        }
    }

    #[test]
    fn what_a_batch_led_to_is_told_in_its_order_and_wakes_the_reader() -> std::io::Result<()> {
        let mut told = Told::new(4)?;
        assert_eq!((told.tell(vec![]), told.woke()), (vec![], false));
        let batch = || vec![Event::FlowSilent(1), Event::FlowResumed(1), Event::FlowLost(2)];
        assert_eq!((told.tell(batch()), told.woke()), (batch(), true));
        Ok(())
    }

    #[test]
    fn of_what_has_no_room_the_latest_of_each_peer_s_path_and_silence_is_told_before_any_news() -> std::io::Result<()> {
        let mut told = Told::new(2)?;
        let path = Path::udp(([192, 0, 2, 1], 4_000).into(), IpAddr::from([198, 51, 100, 1]));
        let full = told.tell(vec![
            Event::FlowSilent(8),
            Event::FlowSilent(9),
            Event::Dtls(1, vec![22]),
            Event::FlowSelected(1, path),
            Event::FlowSilent(1),
            Event::FlowLost(1),
        ]);
        assert_eq!(full, [Event::FlowSilent(8), Event::FlowSilent(9)]);
        assert_eq!(told.totals.drops.get(Reason::DtlsBacklog), 1, "a handshake repeats what is lost");
        let mut waited = told.tell(vec![]);
        waited.sort_by_key(|event| matches!(event, Event::FlowSilent(_)));
        assert_eq!((waited, told.woke()), (vec![Event::FlowLost(1), Event::FlowSilent(1)], true));
        assert_eq!(told.tell(vec![]), []);

        told.tell(vec![Event::FlowSilent(8), Event::FlowSilent(9), Event::FlowSilent(1)]);
        assert_eq!(told.tell(vec![Event::FlowResumed(1)]), [Event::FlowSilent(1), Event::FlowResumed(1)]);
        Ok(())
    }

    #[test]
    fn transcoders_miss_what_their_queue_has_no_room_for() -> std::io::Result<()> {
        let (told, mut outbox) = (Told::new(2)?, Outbox::default());
        told.events.tell_transcoders(&mut outbox, &told.totals);
        assert!(!told.woke());
        for byte in 0..3 {
            let written: Result<(), ()> = outbox.push(7, Path::inside(), |packet| {
                packet.push(byte);
                Ok(())
            });
            assert_eq!(written, Ok(()));
        }
        told.events.tell_transcoders(&mut outbox, &told.totals);
        assert_eq!(told.for_transcoders.try_iter().collect::<Vec<_>>(), [(7, vec![0]), (7, vec![1])]);
        assert!(told.woke() && told.totals.drops.get(Reason::TranscoderBacklog) == 1);
        Ok(())
    }
}
