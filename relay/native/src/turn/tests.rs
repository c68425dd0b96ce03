//! What clients may do, and what they may not.

#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use super::server::MOST_EACH;
use super::{Client, Route, Routes, TurnServer};
use crate::counters::{Reason, Totals};
use crate::outbox::Outbox;
use crate::path::{Path, Transport};
use crate::time::Time;
use crate::wire::turn::Method;
use crate::wire::turn::client::{Attribute, Reply, Signer, read, request};

const KEY: &[u8] = b"0123456789abcdef";
const ANN: (&[u8], &[u8]) = (b"ann", KEY);
const UDP: Attribute<'_> = Attribute::Transport(17);

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Our media port.
fn ours() -> SocketAddr {
    address("203.0.113.5:443")
}

/// What a message carried, and by which path.
type Taken = (Path, Vec<u8>);

struct World {
    server: TurnServer,
    routes: Arc<Routes>,
    totals: Arc<Totals>,
    now: Time,
    count: u8,
}

impl World {
    /// With Ann, who has credentials.
    fn new() -> Self {
        let (routes, totals) = (Arc::new(Routes::default()), Arc::new(Totals::default()));
        let mut server = TurnServer::new(Arc::clone(&routes), Arc::clone(&totals));
        server.tell_peers(vec![ours(), address("203.0.113.6:443"), address("[2001:db8::5]:443")]);
        server.admit(b"ann".to_vec(), KEY);
        Self { server, routes, totals, now: Time::from_millis(1_000), count: 0 }
    }

    /// What the server makes of a message, and what it answers.
    fn send(&mut self, client: Client, message: &[u8]) -> (Result<Option<Taken>, Reason>, Vec<u8>) {
        let mut out = Outbox::default();
        let received = self.server.receive(message, client, self.now, &mut out);
        let carried = received.map(|carried| carried.map(|(path, data)| (path, message[data].to_vec())));
        let answer = out.items().iter().map(|item| {
            assert_eq!(item.path, client.path);
            out.bytes(item).to_vec()
        });
        let answer: Vec<Vec<u8>> = answer.collect();
        assert!(answer.len() <= 1);
        (carried, answer.concat())
    }

    fn nonce(&mut self, client: Client) -> Vec<u8> {
        let message = request(Method::Allocate, &[0; 12], &[UDP], None);
        read(&self.send(client, &message).1).nonce.unwrap()
    }

    /// A signed request with an id of its own.
    fn signed(
        &mut self,
        (username, key): (&[u8], &[u8]),
        client: Client,
        method: Method,
        attributes: &[Attribute<'_>],
    ) -> Vec<u8> {
        let nonce = self.nonce(client);
        self.count = self.count.wrapping_add(1);
        request(method, &[self.count; 12], attributes, Some(Signer { username, nonce: &nonce, key }))
    }

    /// What is answered to a signed request.
    fn reply(&mut self, who: (&[u8], &[u8]), client: Client, method: Method, attributes: &[Attribute<'_>]) -> Reply {
        let message = self.signed(who, client, method, attributes);
        read(&self.send(client, &message).1)
    }

    /// The error code, or 0.
    fn ask_as(&mut self, who: (&[u8], &[u8]), client: Client, method: Method, attributes: &[Attribute<'_>]) -> u16 {
        self.reply(who, client, method, attributes).code
    }

    fn ask(&mut self, client: Client, method: Method, attributes: &[Attribute<'_>]) -> u16 {
        self.ask_as(ANN, client, method, attributes)
    }

    fn allocate(&mut self, client: Client) -> SocketAddr {
        self.reply(ANN, client, Method::Allocate, &[UDP]).relayed.unwrap()
    }

    fn allocations(&self) -> u64 {
        self.totals.turn_allocations.get()
    }
}

fn over_tls(port: u16) -> Client {
    let path = Path::tcp(SocketAddr::new([192, 0, 2, 1].into(), port), [10, 0, 0, 1].into());
    Client { path, carrier: Transport::TurnTls }
}

fn over_udp(host: u8) -> Client {
    let path = Path::udp(SocketAddr::new([192, 0, 2, host].into(), 4_000), [10, 0, 0, 1].into());
    Client { path, carrier: Transport::TurnUdp }
}

fn path_to(relayed: SocketAddr, peer: SocketAddr, carrier: Transport) -> Path {
    Path { remote: relayed, local: peer.ip(), transport: carrier }
}

#[test]
fn who_has_credentials_reaches_us_by_send_and_by_channel() {
    let (mut world, client) = (World::new(), over_tls(1));
    let relayed = world.allocate(client);
    assert_eq!((relayed.ip(), world.allocations()), (ours().ip(), 1));
    assert!(world.server.has_allocation(&client.path));
    let send = request(Method::Send, &[9; 12], &[Attribute::Peer(ours()), Attribute::Data(b"check")], None);
    assert_eq!(world.send(client, &send).0, Err(Reason::TurnRefused), "before the permission");
    assert_eq!(world.ask(client, Method::CreatePermission, &[Attribute::Peer(ours())]), 0);
    let path = path_to(relayed, ours(), Transport::TurnTls);
    assert_eq!(world.send(client, &send), (Ok(Some((path, b"check".to_vec()))), Vec::new()));
    assert_eq!(world.routes.get(&path), Some(Route { client: client.path, peer: ours(), channel: None }));
    let channel = b"\x40\x07\x00\x05media\0\0\0";
    assert_eq!(world.send(client, channel).0, Err(Reason::TurnRefused), "before the channel");
    assert_eq!(world.ask(client, Method::ChannelBind, &[Attribute::Peer(ours()), Attribute::Channel(0x4007)]), 0);
    assert_eq!(world.send(client, channel).0, Ok(Some((path, b"media".to_vec()))));
    assert_eq!(world.routes.get(&path).unwrap().channel, Some(0x4007));
}

#[test]
fn nobody_but_us_is_reached() {
    let (mut world, client) = (World::new(), over_tls(1));
    world.allocate(client);
    for other in ["192.0.2.1:443", "127.0.0.1:22", "[::1]:443", "203.0.113.7:443"] {
        let peer = || Attribute::Peer(address(other));
        assert_eq!(world.ask(client, Method::CreatePermission, &[peer()]), 403, "{other}");
        assert_eq!(world.ask(client, Method::CreatePermission, &[Attribute::Peer(ours()), peer()]), 403, "{other}");
        assert_eq!(world.ask(client, Method::ChannelBind, &[peer(), Attribute::Channel(0x4000)]), 403, "{other}");
        let send = request(Method::Send, &[9; 12], &[peer(), Attribute::Data(b"x")], None);
        assert_eq!(world.send(client, &send).0, Err(Reason::TurnForbidden), "{other}");
    }
    // Another port of our own address.
    let peer = || Attribute::Peer(address("203.0.113.5:22"));
    assert_eq!(world.ask(client, Method::ChannelBind, &[peer(), Attribute::Channel(0x4000)]), 403);
    assert_eq!(world.ask(client, Method::CreatePermission, &[peer()]), 0, "permissions are for addresses");
    let send = request(Method::Send, &[9; 12], &[peer(), Attribute::Data(b"x")], None);
    assert_eq!(world.send(client, &send).0, Err(Reason::TurnForbidden));
}

#[test]
fn what_is_forged_or_out_of_order_is_refused() {
    let (mut world, client) = (World::new(), over_tls(1));
    for method in [Method::Refresh, Method::CreatePermission, Method::ChannelBind] {
        assert_eq!(world.ask(client, method, &[Attribute::Peer(ours())]), 437, "{method:?} before Allocate");
    }
    assert_eq!(world.ask_as((b"ann", b"another key"), client, Method::Allocate, &[UDP]), 401);
    assert_eq!(world.ask_as((b"bob", KEY), client, Method::Allocate, &[UDP]), 401);
    assert_eq!(world.ask(client, Method::Allocate, &[]), 400);
    assert_eq!(world.ask(client, Method::Allocate, &[Attribute::Transport(6)]), 442);
    assert_eq!(world.ask(client, Method::Allocate, &[UDP, Attribute::Family(3)]), 440);
    assert_eq!(world.ask(client, Method::Allocate, &[UDP, Attribute::Other(0x18)]), 420);
    assert_eq!(world.allocations(), 0);
    world.allocate(client);
    assert_eq!(world.ask(client, Method::Allocate, &[UDP]), 437, "one for each connection");
    assert_eq!(world.ask(client, Method::CreatePermission, &[]), 400);
    assert_eq!(world.ask(client, Method::ChannelBind, &[Attribute::Peer(ours())]), 400);
    for channel in [0x3fff, 0x5000] {
        assert_eq!(
            world.ask(client, Method::ChannelBind, &[Attribute::Peer(ours()), Attribute::Channel(channel)]),
            400
        );
    }
    // One channel is of one peer, and a peer has one channel.
    let (peer, other) = (|| Attribute::Peer(ours()), || Attribute::Peer(address("203.0.113.6:443")));
    assert_eq!(world.ask(client, Method::ChannelBind, &[peer(), Attribute::Channel(0x4000)]), 0);
    assert_eq!(world.ask(client, Method::ChannelBind, &[peer(), Attribute::Channel(0x4000)]), 0, "refreshed");
    assert_eq!(world.ask(client, Method::ChannelBind, &[other(), Attribute::Channel(0x4000)]), 400);
    assert_eq!(world.ask(client, Method::ChannelBind, &[peer(), Attribute::Channel(0x4001)]), 400);
    // Somebody else's credentials on the same connection.
    world.server.admit(b"bob".to_vec(), KEY);
    assert_eq!(world.ask_as((b"bob", KEY), client, Method::Refresh, &[Attribute::Lifetime(0)]), 441);
    assert_eq!(world.allocations(), 1);
    for message in [&b"\x00\x03"[..], &[0, 3, 0, 0, 1, 2, 3, 4], &[0x40, 0, 0, 9, 1], &[0; 20]] {
        assert_eq!(world.send(client, message), (Err(Reason::TurnMalformed), Vec::new()));
    }
}

#[test]
fn a_nonce_of_somebody_else_is_stale() {
    let (mut world, client) = (World::new(), over_udp(1));
    let message = world.signed(ANN, over_udp(2), Method::Allocate, &[UDP]);
    let (result, answer) = world.send(client, &message);
    assert_eq!(result, Err(Reason::TurnRefused));
    let reply = read(&answer);
    assert_eq!((reply.kind, reply.code), (0x0113, 438));
    assert!(reply.nonce.is_some(), "with a fresh one");
}

#[test]
fn a_stranger_gets_few_answers_and_short_ones() {
    let mut world = World::new();
    let message = request(Method::Allocate, &[1; 12], &[UDP], None);
    let answers: Vec<usize> = (0..1_000).map(|_| world.send(over_udp(1), &message).1.len()).collect();
    assert!(answers.iter().all(|length| *length < 3 * message.len()));
    assert_eq!(answers.iter().filter(|length| **length > 0).count(), 20);
    assert_eq!(world.send(over_udp(1), &message).0, Err(Reason::Flooded));
    // Without an attribute the request is too short to be answered at all.
    let empty = request(Method::Allocate, &[1; 12], &[], None);
    assert_eq!(world.send(over_udp(2), &empty), (Err(Reason::TurnRefused), Vec::new()));
    // Who has a connection has shown that they receive.
    assert!((0..100).all(|_| !world.send(over_tls(1), &message).1.is_empty()));
}

#[test]
fn an_allocate_that_comes_again_is_granted_again() {
    let (mut world, client) = (World::new(), over_udp(1));
    let message = world.signed(ANN, client, Method::Allocate, &[UDP]);
    let first = world.send(client, &message).1;
    assert_eq!(world.send(client, &message).1, first);
    assert_eq!((read(&first).kind, world.allocations()), (0x0103, 1));
}

#[test]
fn an_allocation_ends_when_nobody_refreshes_it() {
    let (mut world, client) = (World::new(), over_udp(1));
    let relayed = world.allocate(client);
    assert_eq!(world.ask(client, Method::CreatePermission, &[Attribute::Peer(ours())]), 0);
    let path = path_to(relayed, ours(), Transport::TurnUdp);
    world.now = world.now.plus_millis(599_999);
    world.server.expire(world.now);
    assert_eq!(world.ask(client, Method::Refresh, &[Attribute::Lifetime(700)]), 0);
    world.now = world.now.plus_millis(699_999);
    world.server.expire(world.now);
    assert!(world.server.has_allocation(&client.path) && world.server.take_ended().is_empty());
    world.now = world.now.plus_millis(1);
    world.server.expire(world.now);
    assert!(!world.server.has_allocation(&client.path));
    assert_eq!((world.server.take_ended(), world.routes.get(&path), world.allocations()), (vec![path], None, 0));
}

#[test]
fn a_refresh_of_zero_seconds_ends_it() {
    let (mut world, client) = (World::new(), over_tls(1));
    world.allocate(client);
    assert_eq!(world.ask(client, Method::Refresh, &[Attribute::Lifetime(0)]), 0);
    assert_eq!(world.allocations(), 0);
    world.allocate(client);
}

#[test]
fn while_nobody_may_come_in_nobody_is_answered() {
    let mut world = World::new();
    world.server.release(b"ann");
    let message = request(Method::Allocate, &[1; 12], &[UDP], None);
    assert_eq!(world.send(over_udp(1), &message), (Err(Reason::TurnRefused), Vec::new()));
}

#[test]
fn void_credentials_end_all_that_was_allocated_with_them() {
    let mut world = World::new();
    let relayed = world.allocate(over_tls(1));
    world.allocate(over_udp(1));
    assert_eq!(world.ask(over_tls(1), Method::CreatePermission, &[Attribute::Peer(ours())]), 0);
    world.server.release(b"ann");
    assert_eq!(world.server.take_ended(), [path_to(relayed, ours(), Transport::TurnTls)]);
    assert_eq!(world.allocations(), 0);
    world.server.admit(b"bob".to_vec(), KEY);
    assert_eq!(world.ask(over_tls(1), Method::Allocate, &[UDP]), 401);
    world.server.release(b"ann");
}

#[test]
fn of_one_person_s_allocations_the_oldest_makes_room() {
    let mut world = World::new();
    world.server.admit(b"bob".to_vec(), KEY);
    assert_eq!(world.ask_as((b"bob", KEY), over_tls(99), Method::Allocate, &[UDP]), 0);
    for port in 1..=MOST_EACH as u16 + 1 {
        world.allocate(over_tls(port));
    }
    assert!(!world.server.has_allocation(&over_tls(1).path));
    assert!(world.server.has_allocation(&over_tls(2).path) && world.server.has_allocation(&over_tls(99).path));
    assert_eq!(world.allocations(), MOST_EACH as u64 + 1);
}

#[test]
fn no_two_allocations_share_a_relayed_address() {
    let mut world = World::new();
    let mut relayed = Vec::new();
    for person in 0..3_000_u16 {
        let name = person.to_be_bytes();
        world.server.admit(name.to_vec(), KEY);
        let client = over_tls(person);
        relayed.push(world.reply((&name, KEY), client, Method::Allocate, &[UDP]).relayed.unwrap());
        if person % 2 == 0 {
            world.server.end(&client.path);
            relayed.pop();
        }
    }
    let count = relayed.len();
    relayed.sort();
    relayed.dedup();
    assert_eq!((relayed.len(), world.allocations()), (count, count as u64));
}

#[test]
fn a_client_is_given_the_family_that_it_asks_for_if_we_are_reached_by_it() {
    let mut world = World::new();
    let attributes = [UDP, Attribute::Family(2)];
    let reply = world.reply(ANN, over_tls(1), Method::Allocate, &attributes);
    assert_eq!(reply.relayed.unwrap().ip(), address("[2001:db8::5]:1").ip());
    world.server.tell_peers(vec![ours()]);
    assert_eq!(world.ask(over_tls(2), Method::Allocate, &attributes), 440);
    world.server.tell_peers(vec![address("[2001:db8::5]:443")]);
    assert!(world.allocate(over_tls(3)).is_ipv6());
}
