//! The shards, and the orders that wait for them.
//!
//! Whichever thread has something for the exchange next carries out the orders before. So nothing that arrives after an
//! order overtakes it, on whatever socket.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

use super::orders::{MOST_WAITING, Orders};
use super::shards::{Bench, Broken, Incoming, Shards, take};
use crate::exchange::Command;
use crate::path::Path;
use crate::turn::Client;

/// More commands wait than the media threads will ever carry out, or they have died.
#[derive(Debug)]
pub struct Overloaded;

/// What the threads share.
pub struct Ordered {
    shards: Shards,
    orders: Mutex<Orders>,
    commands: SyncSender<Command>,
    /// Orders that were given and not carried out.
    waiting: AtomicUsize,
}

impl Ordered {
    /// Without orders.
    pub fn new(shards: Shards) -> Self {
        let (commands, queue) = sync_channel(MOST_WAITING);
        let orders = Mutex::new(Orders::new(queue, &shards));
        Self { shards, orders, commands, waiting: AtomicUsize::new(0) }
    }

    /// Order something. Never waits. What any thread receives afterwards is judged when it has been carried out.
    pub fn order(&self, command: Command) -> Result<(), Overloaded> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.commands.try_send(command).map_err(|_| {
            self.waiting.fetch_sub(1, Ordering::SeqCst);
            Overloaded
        })
    }

    /// How many orders wait.
    #[cfg(test)]
    pub fn backlog(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    /// The shards after all that was ordered before.
    pub fn current(&self, bench: &mut Bench<'_>) -> Result<&Shards, Broken> {
        if self.waiting.load(Ordering::SeqCst) > 0 {
            let mut orders = take(&self.orders, bench)?;
            let carried_out = orders.carry_out(&self.shards, bench)?;
            self.waiting.fetch_sub(carried_out, Ordering::SeqCst);
            // Of what one peer is told here the latest comes last.
            bench.events.tell_transcoders(bench.out, bench.totals);
        }
        Ok(&self.shards)
    }

    /// The shards as they stand: for what no order of this moment changes.
    pub fn as_they_stand(&self) -> &Shards {
        &self.shards
    }

    /// Take a batch of datagrams.
    pub fn receive<'a>(
        &self,
        batch: impl Iterator<Item = (&'a mut [u8], Path)>,
        bench: &mut Bench<'_>,
    ) -> Result<(), Broken> {
        let shards = self.current(bench)?;
        if !shards.are_several() {
            return shards.with(0, bench, |exchange, bench| {
                for (datagram, path) in batch {
                    exchange.receive(datagram, path, bench.now, bench.out);
                }
            });
        }
        let mut batch = batch.map(|(datagram, path)| Incoming::new(datagram, path)).collect();
        self.receive_all(&mut batch, bench)
    }

    /// Take one message of TURN, and what it carries. False if it was refused.
    pub fn receive_turn(&self, message: &mut [u8], client: Client, bench: &mut Bench<'_>) -> Result<bool, Broken> {
        let shards = self.current(bench)?;
        if !shards.are_several() {
            return shards
                .with(0, bench, |exchange, bench| exchange.receive_turn(message, client, bench.now, bench.out));
        }
        let mut batch = Vec::new();
        let taken = shards.receive_turn(message, client, &mut batch, bench)?;
        self.receive_all(&mut batch, bench)?;
        Ok(taken)
    }

    fn receive_all(&self, batch: &mut Vec<Incoming<'_>>, bench: &mut Bench<'_>) -> Result<(), Broken> {
        if !self.shards.receive(batch, bench)? {
            // Nobody moves without orders.
            let _orders = take(&self.orders, bench)?;
            self.shards.receive(batch, bench)?;
        }
        Ok(())
    }
}
