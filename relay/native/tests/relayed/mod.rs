//! Clients of TURN, played from bytes: two on connections, one over UDP, and what comes of it.
//!
//! Whatever they say may be signed with right credentials and a right nonce, so that it gets as far as it can. The fuzz
//! target `turn` plays mutations; `corpora.rs` plays what is saved, and asks whether that reaches what it should.
#![allow(clippy::unwrap_used)]

use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use relay_core::counters::{Reason, Totals};
use relay_core::exchange::{Command, Exchange};
use relay_core::ice::bindings::Patience;
use relay_core::outbox::Outbox;
use relay_core::path::{Path, Transport};
use relay_core::time::{NtpClock, Time};
use relay_core::turn::{Client, Routes};
use relay_core::wire::framing::{Deframer, Framing};

const KEY: &[u8] = b"0123456789abcdef";
const HEADER: usize = 20;
const NONCE: [u8; 2] = [0, 0x15];

/// Our media port, as clients name it.
pub const OURS: &str = "203.0.113.5:443";

pub struct Relayed {
    exchange: Exchange,
    out: Outbox,
    totals: Arc<Totals>,
    routes: Arc<Routes>,
    now: Time,
    clients: Vec<(Client, Deframer, Vec<u8>)>,
    /// Of all answers: how many granted something.
    pub granted: usize,
}

impl Relayed {
    pub fn new() -> Self {
        let (totals, routes) = (Arc::new(Totals::default()), Arc::new(Routes::default()));
        let patience = Patience { consent: 30_000, silence: 7_000 };
        let ntp = NtpClock::new(1_000_000_000, Time::default());
        let exchange = Exchange::new(Arc::clone(&totals), ntp, patience, Arc::clone(&routes));
        let now = Time::from_millis(1_000);
        let (out, clients) = (Outbox::default(), Vec::new());
        let mut played = Self { exchange, out, totals, routes, now, clients, granted: 0 };
        played.order(Command::AdmitTurn { username: b"ann".to_vec(), key: KEY.to_vec() });
        played.order(Command::TellTurnPeers { peers: vec![OURS.parse().unwrap()] });
        let here = [198, 51, 100, 1].into();
        let remote = |port| SocketAddr::from(([192, 0, 2, 1], port));
        for (path, carrier) in [
            (Path::tcp(remote(1), here), Transport::TurnTls),
            (Path::tcp(remote(2), here), Transport::TurnTcp),
            (Path::udp(remote(3), here), Transport::TurnUdp),
        ] {
            played.clients.push((Client { path, carrier }, Deframer::new(Framing::Turn), Vec::new()));
        }
        for number in 0..played.clients.len() {
            // Allocate, REQUESTED-TRANSPORT: what a nonce is the answer to.
            let asked = [&message(3, 8)[..], &[0, 0x19, 0, 4, 17, 0, 0, 0]].concat();
            let answer = played.hand(number, &asked).concat();
            let at = answer.windows(2).position(|bytes| bytes == NONCE).unwrap();
            played.clients[number].2 = answer[at + 4..at + 24].to_vec();
        }
        played
    }

    /// Play one step after another. The first byte says who sends, and how.
    pub fn play(&mut self, mut script: &[u8]) {
        while let Some((first, rest)) = script.split_first() {
            let (length, rest) = rest.split_first().unwrap_or((&0, rest));
            let (bytes, rest) = rest.split_at(usize::from(*length).min(rest.len()));
            script = rest;
            let number = usize::from(first & 3) % self.clients.len();
            match first >> 2 & 3 {
                // As it is, in pieces as they come.
                0 => drop(self.hand(number, bytes)),
                // Signed: the method, and attributes.
                1 | 2 => {
                    let (method, attributes) = bytes.split_first().unwrap_or((&3, bytes));
                    let signed = self.signed(number, *method, attributes);
                    self.hand(number, &signed);
                }
                _ => {
                    self.now = self.now.plus_millis(1_000 * u64::from(*length));
                    self.exchange.run_rounds(self.now, &mut self.out);
                    self.judge();
                }
            }
            assert!(self.totals.turn_allocations.get() <= self.clients.len() as u64);
        }
    }

    pub fn dropped(&self, reason: Reason) -> u64 {
        self.totals.drops.get(reason)
    }

    fn order(&mut self, command: Command) {
        self.exchange.obey(command, self.now, &mut self.out);
    }

    /// Give bytes to the core as the client's connection, or as one datagram.
    fn hand(&mut self, number: usize, bytes: &[u8]) -> Vec<Vec<u8>> {
        let (client, deframer, _) = &mut self.clients[number];
        let (exchange, out, now, mut piece) = (&mut self.exchange, &mut self.out, self.now, bytes.to_vec());
        if client.carrier == Transport::TurnUdp {
            exchange.receive(&mut piece, client.path, now, out);
        } else {
            let fed = deframer.feed(&mut piece, |message| {
                exchange.receive_turn(message, *client, now, out);
            });
            if fed.is_err() {
                exchange.forget_client(&client.path, now);
                *deframer = Deframer::new(Framing::Turn);
            }
        }
        self.judge()
    }

    /// What was sent goes to who asked or by a route of theirs, and names nobody but us.
    fn judge(&mut self) -> Vec<Vec<u8>> {
        let mut answers = Vec::new();
        for item in self.out.items() {
            let bytes = self.out.bytes(item).to_vec();
            if item.path.transport.is_turn() {
                let route = self.routes.get(&item.path).unwrap();
                assert_eq!(route.peer, OURS.parse().unwrap());
            } else {
                assert!(self.clients.iter().any(|(client, ..)| client.path == item.path));
                self.granted += usize::from(bytes[0] == 1 && bytes[1] & 0x10 == 0);
            }
            answers.push(bytes);
        }
        self.out.clear();
        answers
    }

    /// A message of these attributes, signed by Ann (RFC 8489 section 14.5).
    fn signed(&self, number: usize, method: u8, attributes: &[u8]) -> Vec<u8> {
        let nonce = &self.clients[number].2;
        let mut body = attributes.to_vec();
        body.resize(body.len().next_multiple_of(4), 0);
        for (kind, value) in [(0x06, &b"ann"[..]), (0x14, b"relay"), (NONCE[1], nonce)] {
            body.extend_from_slice(&[0, kind, 0, value.len() as u8]);
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        let signed = [&message(method & 0x1f, body.len() + 24)[..], &body].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, KEY), &signed);
        [&signed[..], &[0, 8, 0, 20], tag.as_ref()].concat()
    }
}

/// A header, for attributes of so many bytes.
fn message(method: u8, length: usize) -> [u8; HEADER] {
    let [high, low] = (length as u16).to_be_bytes();
    let mut header = [7; HEADER];
    header[..8].copy_from_slice(&[0, method, high, low, 0x21, 0x12, 0xa4, 0x42]);
    header
}
