//! The exchange, and the orders that wait for it.
//!
//! They wait behind the same lock: whichever thread takes the exchange next carries them out before it shows it what
//! browsers sent. So nothing that arrives after an order overtakes it, on whatever socket.

use std::sync::mpsc::Receiver;

use crate::exchange::{Command, Exchange};
use crate::outbox::Outbox;
use crate::time::Time;

/// Orders that wait at most: a room full of people that all pair at once.
pub const MOST_WAITING: usize = 16_384;

/// What the threads share.
pub struct Ordered {
    exchange: Exchange,
    orders: Receiver<Command>,
}

impl Ordered {
    /// `orders` hold [`MOST_WAITING`] at most.
    pub fn new(exchange: Exchange, orders: Receiver<Command>) -> Self {
        Self { exchange, orders }
    }

    /// The exchange after all that was ordered before.
    pub fn current(&mut self, now: Time, out: &mut Outbox) -> &mut Exchange {
        // Anyone who goes on ordering meanwhile waits for the next turn.
        for command in self.orders.try_iter().take(MOST_WAITING) {
            self.exchange.obey(command, now, out);
        }
        &mut self.exchange
    }

    /// The exchange as it stands: for what no order of this moment changes.
    pub fn as_it_stands(&mut self) -> &mut Exchange {
        &mut self.exchange
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;

    use super::*;
    use crate::counters::Totals;
    use crate::ice::bindings::{Patience, Side};
    use crate::time::NtpClock;

    #[test]
    fn all_that_was_ordered_before_is_carried_out_and_not_for_who_takes_it_as_it_stands() {
        let patience = Patience { consent: 30_000, silence: 7_000 };
        let exchange =
            Exchange::new(Arc::new(Totals::default()), NtpClock::new(0, Time::default()), patience, Arc::default());
        let (orders, queue) = sync_channel(MOST_WAITING);
        let mut ordered = Ordered::new(exchange, queue);
        let side = |ufrag: &str| Side { ufrag: ufrag.into(), password: Vec::new() };
        for peer in 0..10 {
            orders
                .try_send(Command::Admit { peer, local: side(&peer.to_string()), remote: side("them") })
                .ok()
                .unwrap();
        }
        assert!(ordered.as_it_stands().is_idle());
        let mut out = Outbox::default();
        assert!(!ordered.current(Time::default(), &mut out).is_idle());
        for peer in 0..10 {
            orders.try_send(Command::Release { peer }).ok().unwrap();
        }
        assert!(ordered.current(Time::default(), &mut out).is_idle());
    }
}
