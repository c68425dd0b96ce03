//! Where what goes to a relayed address is sent in the end.
//!
//! The exchange writes it, and the threads read it when they send: the exchange frames nothing, and the sockets know
//! nothing of allocations.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::rand;

use crate::path::Path;
use crate::wire::turn::{write_channel, write_data};

/// One peer of an allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Over UDP or TCP as such.
    pub client: Path,
    /// Our address that the client named.
    pub peer: SocketAddr,
    /// The channel that is bound to it, if one is.
    pub channel: Option<u16>,
}

impl Route {
    /// Append a datagram of the peer as the client takes it.
    pub fn wrap(&self, datagram: &[u8], message: &mut Vec<u8>) {
        if let Some(channel) = self.channel {
            write_channel(channel, datagram, self.client.transport.is_stream(), message);
            return;
        }
        let mut transaction = [0; 12];
        // Nobody answers it, so that its id does not matter.
        let _ = rand::fill(&mut transaction);
        write_data(&transaction, self.peer, datagram, message);
    }
}

/// All of them, by the path that the exchange knows.
#[derive(Debug, Default)]
pub struct Routes(Mutex<HashMap<Path, Route>>);

impl Routes {
    /// What is sent on `path` goes there from now on.
    pub(super) fn set(&self, path: Path, route: Route) {
        self.lock().insert(path, route);
    }

    /// It goes nowhere.
    pub(super) fn remove(&self, path: &Path) {
        self.lock().remove(path);
    }

    /// Where what is sent on `path` goes.
    pub fn get(&self, path: &Path) -> Option<Route> {
        self.lock().get(path).copied()
    }

    /// The map is whole after every statement.
    fn lock(&self) -> MutexGuard<'_, HashMap<Path, Route>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
