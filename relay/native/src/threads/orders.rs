//! Where each peer is, and what Python orders carried out there.

use std::collections::HashMap;
use std::sync::mpsc::Receiver;

use super::directory::Place;
use super::shards::{Bench, Broken, Shards};
use crate::exchange::Command;
use crate::ids::PeerId;

/// Orders that wait at most: a room full of people that all pair at once.
pub const MOST_WAITING: usize = 16_384;

/// The orders that wait, and what only orders change.
pub struct Orders {
    queue: Receiver<Command>,
    homes: HashMap<PeerId, Place>,
    /// Peers in each shard.
    population: Vec<usize>,
}

impl Orders {
    /// `queue` holds [`MOST_WAITING`] at most.
    pub fn new(queue: Receiver<Command>, shards: &Shards) -> Self {
        Self { queue, homes: HashMap::new(), population: vec![0; usize::from(shards.places().end)] }
    }

    /// Carry out what waits; gives how many orders that were.
    pub fn carry_out(&mut self, shards: &Shards, bench: &mut Bench<'_>) -> Result<usize, Broken> {
        let mut count = 0;
        if !shards.are_several() {
            return shards.with_rounds(0, bench, |exchange, bench| {
                for command in self.queue.try_iter().take(MOST_WAITING) {
                    exchange.obey(command, bench.now, bench.out);
                    count += 1;
                }
                count
            });
        }
        // Anyone who goes on ordering meanwhile waits for the next turn.
        while let Some(command) = self.queue.try_recv().ok().filter(|_| count < MOST_WAITING) {
            count += 1;
            self.obey(command, shards, bench)?;
        }
        Ok(count)
    }

    fn obey(&mut self, command: Command, shards: &Shards, bench: &mut Bench<'_>) -> Result<(), Broken> {
        let Some(peer) = command.peer() else {
            return shards.with_turn(bench, |door, bench| door.obey(command, bench.now, bench.out));
        };
        let begins = matches!(command, Command::Admit { .. } | Command::Open { .. } | Command::OpenTranscoder { .. });
        // Who is not known has left.
        let Some(place) = self.home(peer, begins) else { return Ok(()) };
        let place = match command {
            Command::Route { source: Some(source), .. } => self.join(peer, source.peer, place, shards, bench)?,
            _ => place,
        };
        let stays = shards.with_rounds(place, bench, |exchange, bench| {
            exchange.obey(command, bench.now, bench.out);
            exchange.knows(peer)
        })?;
        if !stays {
            self.homes.remove(&peer);
            self.population[usize::from(place)] -= 1;
        }
        Ok(())
    }

    /// Where the peer is. A new one gets to the shard with the fewest.
    fn home(&mut self, peer: PeerId, begins: bool) -> Option<Place> {
        let known = self.homes.get(&peer).copied();
        if known.is_some() || !begins {
            return known;
        }
        let (place, population) = self.population.iter_mut().enumerate().min_by_key(|(_, population)| **population)?;
        *population += 1;
        self.homes.insert(peer, place as Place);
        Some(place as Place)
    }

    /// Have two in one shard; gives it.
    fn join(
        &mut self,
        receiver: PeerId,
        sender: PeerId,
        place: Place,
        shards: &Shards,
        bench: &mut Bench<'_>,
    ) -> Result<Place, Broken> {
        let Some(other) = self.homes.get(&sender).copied().filter(|other| *other != place) else { return Ok(place) };
        let is_fuller = self.population[usize::from(place)] > self.population[usize::from(other)];
        let (together, movers) = shards.bring_together((receiver, place), (sender, other), is_fuller, bench)?;
        for mover in movers {
            if let Some(home) = self.homes.insert(mover, together) {
                self.population[usize::from(home)] -= 1;
            }
            self.population[usize::from(together)] += 1;
        }
        Ok(together)
    }
}
