//! Who has an allocation, and what they may do with it.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;

use aws_lc_rs::hmac;

use super::nonces::Nonces;
use super::routes::{Route, Routes};
use super::strangers::Strangers;
use crate::counters::{Reason, Totals};
use crate::ids::PeerId;
use crate::outbox::Outbox;
use crate::path::{Path, Transport};
use crate::time::Time;
use crate::wire::turn::{CHANNELS, Family, MOST_PEERS, Method, Refusal, Request, read_channel};

/// What credentials are for. Short, as strangers are sent it. `relay/session/turn.py` makes keys with it.
const REALM: &[u8] = b"relay";

/// UDP, by its number at IANA: what media comes over.
const UDP: u8 = 17;

/// Seconds that an allocation lasts without a Refresh: by itself, and at most (section 7.2).
const LIFETIME: u32 = 600;
const LONGEST_LIFETIME: u32 = 3_600;

/// Allocations of one person. Each is one more path, and a browser opens one for each of its networks, with new ones at
/// an ICE restart: as many as it may have TCP connections (`ice/agent.rs`). When one more comes, the oldest ends.
pub const MOST_EACH: usize = 8;

/// Ports of relayed addresses. Nobody opens them; they tell one allocation from another.
const PORTS: Range<u16> = 1_024..65_535;

/// Times its own length that the answer to a stranger may have (RFC 9000 section 8.1).
const AMPLIFICATION: usize = 3;

/// Answers are nobody's media.
const NOBODY: PeerId = PeerId::MAX;

/// Who sent a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// How it came: over UDP or TCP as such.
    pub path: Path,
    /// What paths through it are called.
    pub carrier: Transport,
}

struct Account {
    key: hmac::Key,
    /// With an allocation, oldest first.
    clients: Vec<Path>,
}

struct Allocation {
    username: Vec<u8>,
    carrier: Transport,
    relayed: SocketAddr,
    /// Of the request that made it, which may come again.
    transaction: [u8; 12],
    expires: Time,
    /// The peers that it may reach, as paths.
    paths: Vec<Path>,
    channels: Vec<(u16, Path)>,
}

impl Allocation {
    fn path_to(&self, peer: IpAddr) -> Path {
        Path { remote: self.relayed, local: peer, transport: self.carrier }
    }
}

/// What a message carries, and by which path it seems to have come.
pub type Carried = (Path, Range<usize>);

/// See the module.
pub struct TurnServer {
    /// None when the system has no randomness: then nobody is let in.
    nonces: Option<Nonces>,
    accounts: HashMap<Vec<u8>, Account>,
    /// By client.
    allocations: HashMap<Path, Allocation>,
    /// By the relayed port.
    ports: HashMap<u16, Path>,
    next_port: u16,
    /// Where our media port is reached. Nobody is let through to anything else.
    peers: Vec<SocketAddr>,
    routes: Arc<Routes>,
    strangers: Strangers,
    totals: Arc<Totals>,
    /// Paths of allocations that have ended.
    ended: Vec<Path>,
}

impl TurnServer {
    /// Without anybody.
    pub fn new(routes: Arc<Routes>, totals: Arc<Totals>) -> Self {
        Self {
            nonces: Nonces::new(),
            accounts: HashMap::new(),
            allocations: HashMap::new(),
            ports: HashMap::new(),
            next_port: PORTS.start,
            peers: Vec::new(),
            routes,
            strangers: Strangers::default(),
            totals,
            ended: Vec::new(),
        }
    }

    /// Where our media port is reached, as browsers are told.
    pub fn tell_peers(&mut self, peers: Vec<SocketAddr>) {
        self.peers = peers;
    }

    /// Let somebody in by these credentials. `key` is that of RFC 8489 section 9.2.2.
    pub fn admit(&mut self, username: Vec<u8>, key: &[u8]) {
        self.release(&username);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        self.accounts.insert(username, Account { key, clients: Vec::new() });
    }

    /// They are void, and what was allocated with them ends. Idempotent.
    pub fn release(&mut self, username: &[u8]) {
        for client in self.accounts.remove(username).map(|account| account.clients).into_iter().flatten() {
            self.end(&client);
        }
    }

    /// Whether the client has an allocation.
    pub fn has_allocation(&self, client: &Path) -> bool {
        self.allocations.contains_key(client)
    }

    /// The client has gone: its connection has closed. Idempotent.
    pub fn end(&mut self, client: &Path) {
        let Some(allocation) = self.allocations.remove(client) else { return };
        self.ports.remove(&allocation.relayed.port());
        if let Some(account) = self.accounts.get_mut(&allocation.username) {
            account.clients.retain(|known| known != client);
        }
        for path in allocation.paths {
            self.routes.remove(&path);
            self.ended.push(path);
        }
        self.totals.turn_allocations.set(self.allocations.len() as u64);
    }

    /// End allocations that nobody refreshed.
    pub fn expire(&mut self, now: Time) {
        let expired = self.allocations.iter().filter(|(_, allocation)| allocation.expires <= now);
        let expired: Vec<Path> = expired.map(|(client, _)| *client).collect();
        expired.iter().for_each(|client| self.end(client));
    }

    /// Paths that lead nowhere any more, since the last call.
    pub fn take_ended(&mut self) -> Vec<Path> {
        std::mem::take(&mut self.ended)
    }

    /// Judge one message, answer it, and give what it carries.
    pub fn receive(
        &mut self,
        message: &[u8],
        client: Client,
        now: Time,
        out: &mut Outbox,
    ) -> Result<Option<Carried>, Reason> {
        if self.accounts.is_empty() {
            // Nobody may be let in: then nobody is told how.
            return Err(Reason::TurnRefused);
        }
        if message.first().is_some_and(|first| *first >= (CHANNELS.start >> 8) as u8) {
            let (channel, data) = read_channel(message).ok_or(Reason::TurnMalformed)?;
            let allocation = self.allocations.get(&client.path).ok_or(Reason::TurnRefused)?;
            let bound = allocation.channels.iter().find(|(known, _)| *known == channel);
            return bound.map(|(_, path)| Some((*path, data))).ok_or(Reason::TurnRefused);
        }
        let request = Request::parse(message).ok_or(Reason::TurnMalformed)?;
        if request.method == Method::Send {
            return self.carried(request, &client.path).map(Some);
        }
        let key = match self.authenticate(&request, client, now) {
            Ok(key) => key,
            Err(refusal) => return self.refuse(&request, refusal, None, client, now, out),
        };
        match self.obey(&request, client, now) {
            Ok(granted) => out.push(NOBODY, client.path, |response| {
                request.grant(&key, response, |answer| match granted {
                    Granted::Allocation(relayed, lifetime) => {
                        answer.addresses(relayed, client.path.remote).lifetime(lifetime);
                    }
                    Granted::Lifetime(lifetime) => {
                        answer.lifetime(lifetime);
                    }
                    Granted::Plainly => {}
                });
                Ok(None)
            }),
            Err(refusal) => self.refuse(&request, refusal, Some(&key), client, now, out),
        }
    }

    /// What a Send indication carries. Nobody answers one, whatever is wrong with it.
    fn carried(&self, request: Request<'_>, client: &Path) -> Result<Carried, Reason> {
        let allocation = self.allocations.get(client).ok_or(Reason::TurnRefused)?;
        let (&[peer], Some(data)) = (&request.peers[..], request.data) else { return Err(Reason::TurnMalformed) };
        let path = allocation.path_to(peer.ip());
        match self.routes.get(&path) {
            Some(route) if route.peer == peer => Ok((path, data)),
            _ if self.peers.contains(&peer) => Err(Reason::TurnRefused),
            _ => Err(Reason::TurnForbidden),
        }
    }

    /// Do what an authentic request asks.
    fn obey(&mut self, request: &Request<'_>, client: Client, now: Time) -> Result<Granted, Refusal> {
        let username = request.username.ok_or(Refusal::BadRequest)?;
        if request.has_unknown() {
            return Err(Refusal::UnknownAttribute);
        }
        if request.method == Method::Allocate {
            return self.allocate(request, client, username.to_vec(), now);
        }
        let allocation = self.allocations.get_mut(&client.path).ok_or(Refusal::AllocationMismatch)?;
        if allocation.username != username {
            return Err(Refusal::WrongCredentials);
        }
        match request.method {
            Method::Refresh if request.lifetime == Some(0) => {
                self.end(&client.path);
                Ok(Granted::Lifetime(0))
            }
            Method::Refresh => {
                let lifetime = lifetime(request);
                allocation.expires = now.plus_millis(1_000 * u64::from(lifetime));
                Ok(Granted::Lifetime(lifetime))
            }
            Method::CreatePermission => self.permit(request, client),
            _ => self.bind(request, client),
        }
    }

    /// The key that a request is signed with, if it is one of ours (RFC 8489 section 9.2.4).
    fn authenticate(&self, request: &Request<'_>, client: Client, now: Time) -> Result<hmac::Key, Refusal> {
        if !request.is_signed() {
            return Err(Refusal::Unauthenticated);
        }
        let (Some(username), Some(realm), Some(nonce)) = (request.username, request.realm, request.nonce) else {
            return Err(Refusal::BadRequest);
        };
        let nonces = self.nonces.as_ref().ok_or(Refusal::InsufficientCapacity)?;
        if !nonces.is_right(nonce, client.path.remote, now) {
            return Err(Refusal::StaleNonce);
        }
        let account = self.accounts.get(username).ok_or(Refusal::Unauthenticated)?;
        if realm != REALM || !request.is_authentic(&account.key) {
            return Err(Refusal::Unauthenticated);
        }
        Ok(account.key.clone())
    }

    fn allocate(
        &mut self,
        request: &Request<'_>,
        client: Client,
        username: Vec<u8>,
        now: Time,
    ) -> Result<Granted, Refusal> {
        if let Some(known) = self.allocations.get(&client.path) {
            // Over UDP its answer may have got lost.
            let again = known.transaction == request.transaction && known.username == username;
            let granted = Granted::Allocation(known.relayed, lifetime(request));
            return if again { Ok(granted) } else { Err(Refusal::AllocationMismatch) };
        }
        match request.transport {
            Some(UDP) => {}
            Some(_) => return Err(Refusal::UnsupportedTransport),
            None => return Err(Refusal::BadRequest),
        }
        let relay = self.relay_for(request.family.transpose()?)?;
        let port = self.free_port().ok_or(Refusal::InsufficientCapacity)?;
        let account = self.accounts.get_mut(&username).ok_or(Refusal::Unauthenticated)?;
        let oldest = (account.clients.len() >= MOST_EACH).then(|| account.clients[0]);
        account.clients.push(client.path);
        if let Some(oldest) = oldest {
            self.end(&oldest);
        }
        let (relayed, lifetime) = (SocketAddr::new(relay, port), lifetime(request));
        let allocation = Allocation {
            username,
            carrier: client.carrier,
            relayed,
            transaction: request.transaction,
            expires: now.plus_millis(1_000 * u64::from(lifetime)),
            paths: Vec::new(),
            channels: Vec::new(),
        };
        self.ports.insert(port, client.path);
        self.allocations.insert(client.path, allocation);
        self.totals.turn_allocations.set(self.allocations.len() as u64);
        Ok(Granted::Allocation(relayed, lifetime))
    }

    /// The address that a client of this family is given: one of ours. IPv4 where nothing is said (section 7.2), if
    /// anybody reaches us by it.
    fn relay_for(&self, family: Option<Family>) -> Result<IpAddr, Refusal> {
        let of = |family: Family| self.peers.iter().find(|peer| family.has(peer)).map(SocketAddr::ip);
        let relay = match family {
            Some(family) => of(family),
            None => of(Family::V4).or_else(|| of(Family::V6)),
        };
        relay.ok_or(Refusal::AddressFamilyNotSupported)
    }

    fn free_port(&mut self) -> Option<u16> {
        for _ in PORTS {
            let port = self.next_port;
            self.next_port = if port + 1 < PORTS.end { port + 1 } else { PORTS.start };
            if !self.ports.contains_key(&port) {
                return Some(port);
            }
        }
        None
    }

    fn permit(&mut self, request: &Request<'_>, client: Client) -> Result<Granted, Refusal> {
        if request.peers.is_empty() {
            return Err(Refusal::BadRequest);
        }
        let known = |peer: &SocketAddr| self.peers.iter().find(|own| own.ip() == peer.ip()).copied();
        let peers: Option<Vec<SocketAddr>> = request.peers.iter().map(known).collect();
        for peer in peers.ok_or(Refusal::Forbidden)? {
            self.open(client, peer, None)?;
        }
        Ok(Granted::Plainly)
    }

    fn bind(&mut self, request: &Request<'_>, client: Client) -> Result<Granted, Refusal> {
        let (&[peer], Some(channel)) = (&request.peers[..], request.channel) else { return Err(Refusal::BadRequest) };
        if !CHANNELS.contains(&channel) {
            return Err(Refusal::BadRequest);
        }
        if !self.peers.contains(&peer) {
            return Err(Refusal::Forbidden);
        }
        self.open(client, peer, Some(channel))?;
        Ok(Granted::Plainly)
    }

    /// Let an allocation reach one of our addresses, by a channel if one is named. That lasts as long as the allocation:
    /// there is nobody to be protected from it.
    fn open(&mut self, client: Client, peer: SocketAddr, channel: Option<u16>) -> Result<(), Refusal> {
        let allocation = self.allocations.get_mut(&client.path).ok_or(Refusal::AllocationMismatch)?;
        let path = allocation.path_to(peer.ip());
        if !allocation.paths.contains(&path) {
            if allocation.paths.len() >= MOST_PEERS {
                return Err(Refusal::InsufficientCapacity);
            }
            allocation.paths.push(path);
        }
        if let Some(channel) = channel {
            let is_one_of_both = |(number, bound): &&(u16, Path)| *number == channel || *bound == path;
            match allocation.channels.iter().find(is_one_of_both) {
                Some(known) if *known != (channel, path) => return Err(Refusal::BadRequest),
                Some(_) => {}
                None => allocation.channels.push((channel, path)),
            }
        }
        let bound = allocation.channels.iter().find(|(_, bound)| *bound == path).map(|(number, _)| *number);
        self.routes.set(path, Route { client: client.path, peer, channel: bound });
        Ok(())
    }

    /// Answer with a refusal. A stranger's request may come from somebody else's address: it gets few answers, and short
    /// ones.
    fn refuse(
        &mut self,
        request: &Request<'_>,
        refusal: Refusal,
        key: Option<&hmac::Key>,
        client: Client,
        now: Time,
        out: &mut Outbox,
    ) -> Result<Option<Carried>, Reason> {
        let is_stranger = !client.path.transport.is_stream();
        if is_stranger && !self.strangers.allows(client.path.remote.ip(), now) {
            return Err(Reason::Flooded);
        }
        let nonce = self.nonces.as_ref().map(|nonces| nonces.for_client(client.path.remote, now));
        let is_challenge = matches!(refusal, Refusal::Unauthenticated | Refusal::StaleNonce);
        let challenge = nonce.as_ref().filter(|_| is_challenge).map(|nonce| (REALM, &nonce[..]));
        let first = refusal == Refusal::Unauthenticated && !request.is_signed();
        out.push(NOBODY, client.path, |response| {
            let start = response.len();
            request.refuse(refusal, challenge, key, response);
            let is_long = is_stranger && response.len() - start >= AMPLIFICATION * request.length();
            if is_long { Err(Reason::TurnRefused) } else { Ok(()) }
        })?;
        match refusal {
            // That is how everybody begins.
            _ if first => Ok(None),
            Refusal::Forbidden => Err(Reason::TurnForbidden),
            _ => Err(Reason::TurnRefused),
        }
    }
}

/// What a request led to.
enum Granted {
    Allocation(SocketAddr, u32),
    Lifetime(u32),
    Plainly,
}

/// Seconds, as asked for or as is usual.
fn lifetime(request: &Request<'_>) -> u32 {
    request.lifetime.unwrap_or(LIFETIME).clamp(LIFETIME, LONGEST_LIFETIME)
}
