//! Paths inside TURN are paths like others.

use std::net::SocketAddr;
use std::sync::Arc;

use crate::counters::{Reason, Totals};
use crate::exchange::{Command, Event, Exchange};
use crate::ice::bindings::{Patience, Side};
use crate::outbox::Outbox;
use crate::path::{Path, Transport};
use crate::time::{NtpClock, Time};
use crate::turn::{Client, Routes};
use crate::wire::stun::{Message, integrity_key, write_check};
use crate::wire::turn::Method;
use crate::wire::turn::client::{Attribute, Signer, read, request};

const ANN: u64 = 1;
const KEY: &[u8] = b"0123456789abcdef";

fn ours() -> SocketAddr {
    "203.0.113.5:443".parse().unwrap()
}

struct World {
    exchange: Exchange,
    out: Outbox,
    routes: Arc<Routes>,
    totals: Arc<Totals>,
    now: Time,
}

impl World {
    /// With Ann, who may check and allocate.
    fn new() -> Self {
        let (totals, routes) = (Arc::new(Totals::default()), Arc::new(Routes::default()));
        let patience = Patience { consent: 30_000, silence: 7_000 };
        let ntp = NtpClock::new(0, Time::default());
        let exchange = Exchange::new(Arc::clone(&totals), ntp, patience, Arc::clone(&routes));
        let mut world = Self { exchange, out: Outbox::default(), routes, totals, now: Time::from_millis(1_000) };
        let side = |name: &str| Side { ufrag: name.into(), password: b"password of somebody".to_vec() };
        world.order(Command::Admit { peer: ANN, local: side("here"), remote: side("there") });
        world.order(Command::AdmitTurn { username: b"ann".to_vec(), key: KEY.to_vec() });
        world.order(Command::TellTurnPeers { peers: vec![ours()] });
        world
    }

    fn order(&mut self, command: Command) {
        self.exchange.obey(command, self.now, &mut self.out);
    }

    /// What is sent, and by which path, when this comes from a client.
    fn send(&mut self, client: Client, mut message: Vec<u8>) -> Vec<(Path, Vec<u8>)> {
        if client.carrier == Transport::TurnUdp {
            self.exchange.receive(&mut message, client.path, self.now, &mut self.out);
        } else {
            self.exchange.receive_turn(&mut message, client, self.now, &mut self.out);
        }
        self.sent()
    }

    fn sent(&mut self) -> Vec<(Path, Vec<u8>)> {
        let sent = self.out.items().iter().map(|item| (item.path, self.out.bytes(item).to_vec())).collect();
        self.out.clear();
        sent
    }

    /// Ann's way to us, with an allocation and a permission. Gives the path.
    fn allocated(&mut self, client: Client) -> Path {
        let asked = self.send(client, request(Method::Allocate, &[0; 12], &[Attribute::Transport(17)], None));
        let nonce = read(&asked[0].1).nonce.unwrap();
        let signer = || Some(Signer { username: b"ann", nonce: &nonce, key: KEY });
        let granted = self.send(client, request(Method::Allocate, &[1; 12], &[Attribute::Transport(17)], signer()));
        let relayed = read(&granted[0].1).relayed.unwrap();
        let permission = request(Method::CreatePermission, &[2; 12], &[Attribute::Peer(ours())], signer());
        assert_eq!(read(&self.send(client, permission)[0].1).code, 0);
        Path { remote: relayed, local: ours().ip(), transport: client.carrier }
    }

    /// Ann checks through TURN.
    fn check(&mut self, client: Client, transaction: u8) -> Vec<(Path, Vec<u8>)> {
        let mut check = Vec::new();
        let key = integrity_key(b"password of somebody");
        write_check([transaction; 12], b"here", b"there", &key, &mut check);
        let data = Attribute::Data(&check);
        self.send(client, request(Method::Send, &[3; 12], &[Attribute::Peer(ours()), data], None))
    }

    fn events(&mut self) -> Vec<Event> {
        self.exchange.take_events()
    }
}

fn over_tls() -> Client {
    let path = Path::tcp("192.0.2.1:5000".parse().unwrap(), [10, 0, 0, 1].into());
    Client { path, carrier: Transport::TurnTls }
}

fn over_udp() -> Client {
    let path = Path::udp("192.0.2.1:6000".parse().unwrap(), [10, 0, 0, 1].into());
    Client { path, carrier: Transport::TurnUdp }
}

#[test]
fn a_check_through_turn_selects_its_path_and_is_answered_there() {
    let mut world = World::new();
    let path = world.allocated(over_tls());
    let sent = world.check(over_tls(), 7);
    assert_eq!(world.events(), [Event::FlowSelected(ANN, path)]);
    assert_eq!(sent.len(), 1);
    let (by, answer) = &sent[0];
    assert_eq!((*by, world.routes.get(by).unwrap().client), (path, over_tls().path));
    let answer = Message::parse(answer).unwrap();
    assert!(answer.is_answer && answer.is_authentic(&integrity_key(b"password of somebody")));
    // Nobody asks back on a connection, whose handshake was an answer.
    world.order(Command::SendDtls { peer: ANN, datagram: vec![22; 1_200] });
    assert_eq!(world.sent(), [(path, vec![22; 1_200])]);
}

#[test]
fn who_sits_behind_turn_over_udp_is_asked_whether_they_receive() {
    let mut world = World::new();
    let path = world.allocated(over_udp());
    let sent = world.check(over_udp(), 7);
    assert_eq!(sent.iter().map(|(by, _)| *by).collect::<Vec<_>>(), [path, path]);
    assert!(!Message::parse(&sent[1].1).unwrap().is_answer);
    world.order(Command::SendDtls { peer: ANN, datagram: vec![22; 1_200] });
    assert_eq!(world.sent(), [], "more than three times what came");
}

#[test]
fn the_path_ends_with_the_connection_and_with_the_credentials() {
    for ends in [true, false] {
        let mut world = World::new();
        let path = world.allocated(over_tls());
        world.check(over_tls(), 7);
        assert!(world.exchange.is_owned(&path) && world.exchange.has_allocation(&over_tls().path));
        match ends {
            true => world.exchange.forget_client(&over_tls().path, world.now),
            false => world.order(Command::ReleaseTurn { username: b"ann".to_vec() }),
        }
        assert!(!world.exchange.is_owned(&path) && !world.exchange.has_allocation(&over_tls().path));
        assert_eq!(world.routes.get(&path), None);
        world.order(Command::SendDtls { peer: ANN, datagram: vec![22; 100] });
        assert_eq!(world.sent(), []);
    }
}

#[test]
fn media_go_on_by_another_path_when_turn_ends() {
    let mut world = World::new();
    let direct = Path::tcp("192.0.2.1:7000".parse().unwrap(), [203, 0, 113, 5].into());
    let mut check = Vec::new();
    write_check([9; 12], b"here", b"there", &integrity_key(b"password of somebody"), &mut check);
    let path = world.allocated(over_tls());
    world.check(over_tls(), 7);
    world.exchange.receive(&mut check, direct, world.now, &mut world.out);
    assert_eq!(world.events(), [Event::FlowSelected(ANN, path)]);
    world.exchange.forget_client(&over_tls().path, world.now);
    assert_eq!(world.events(), [Event::FlowSelected(ANN, direct)]);
}

#[test]
fn an_allocation_that_nobody_refreshes_ends_in_a_round() {
    let mut world = World::new();
    world.allocated(over_tls());
    for second in 0..=600_u64 {
        world.exchange.run_rounds(world.now.plus_millis(1_000 * second), &mut world.out);
        for round in 1..100 {
            let now = world.now.plus_millis(1_000 * second + 10 * round);
            world.exchange.run_rounds(now, &mut world.out);
        }
        assert_eq!(world.exchange.has_allocation(&over_tls().path), second < 600, "second {second}");
    }
}

#[test]
fn turn_within_turn_and_turn_within_ice_are_nobody_s() {
    let mut world = World::new();
    world.allocated(over_tls());
    let inner = request(Method::Allocate, &[1; 12], &[Attribute::Transport(17)], None);
    let outer = request(Method::Send, &[3; 12], &[Attribute::Peer(ours()), Attribute::Data(&inner)], None);
    assert_eq!(world.send(over_tls(), outer), []);
    assert_eq!(world.totals.drops.get(Reason::StunMalformed), 1);
    let framed = Path::tcp("192.0.2.1:7000".parse().unwrap(), [203, 0, 113, 5].into());
    world.exchange.receive(&mut inner.clone(), framed, world.now, &mut world.out);
    assert_eq!((world.sent(), world.totals.drops.get(Reason::StunMalformed)), (vec![], 2));
}
