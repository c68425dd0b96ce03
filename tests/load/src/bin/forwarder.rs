//! The floor: a relay that only does what no relay can do without. Datagrams in, headers rewritten,
//! datagrams out, in batches; no crypto, no state to speak of, no decisions.
//!
//! With `--fault` it does one thing wrong, which the generator has to notice.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};

use clap::{Parser, ValueEnum};
use loadgen::bypass::{self, FORWARDED};
use loadgen::clock::SECOND;
use loadgen::poller::Poller;
use loadgen::rtp;
use loadgen::udp::{self, Inbox, Outbox};

/// What comes out has a numbering of its own.
const SEQUENCE_OFFSET: u16 = 12_345;
const TIMESTAMP_OFFSET: u32 = 1_234_567;
const PAYLOAD_TYPE: u8 = 42;
/// One packet of this many suffers the fault.
const FAULT_INTERVAL: u64 = 100;

/// Passes RTP between person n and person n xor 1 without opening it.
#[derive(Parser)]
struct Options {
    #[arg(long, default_value_t = 19_000)]
    port: u16,
    /// Spoil one packet in a hundred.
    #[arg(long, value_enum)]
    fault: Option<Fault>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Fault {
    Drop,
    /// Swap it with the next one.
    Reorder,
    Repeat,
    /// Turn a bit of its payload.
    Corrupt,
    /// Show it to somebody else, instead of a packet of the same size.
    Misdeliver,
}

struct Forwarder {
    options: Options,
    outbox: Outbox,
    packets: u64,
    last_fault: u64,
    /// Where people are, as their packets tell.
    addresses: HashMap<u32, SocketAddrV4>,
    /// Held back until the next packet to the same person.
    held: HashMap<u32, Vec<u8>>,
    /// Who sent the last packet, and its payload.
    last: (u32, Vec<u8>),
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    let socket = udp::open(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), options.port))?;
    let mut poller = Poller::new()?;
    poller.watch(&socket, 0)?;
    let mut forwarder = Forwarder {
        options,
        outbox: Outbox::default(),
        packets: 0,
        last_fault: 0,
        addresses: HashMap::new(),
        held: HashMap::new(),
        last: (0, Vec::new()),
    };
    let mut inbox = Inbox::default();
    loop {
        poller.wait(SECOND)?;
        forwarder.drain(&socket, &mut inbox);
    }
}

impl Forwarder {
    fn drain(&mut self, socket: &UdpSocket, inbox: &mut Inbox) {
        // A refusal (ICMP) of somebody who has gone is no reason to stop for the others.
        while let Ok(received @ 1..) = inbox.receive(socket) {
            for position in 0..received {
                let from = inbox.source(position);
                self.forward(from, inbox.datagram(position));
            }
            self.outbox.flush(socket);
        }
    }

    fn forward(&mut self, source: SocketAddrV4, packet: &mut [u8]) {
        let Some(header) = rtp::header_length(packet) else { return };
        let from = bypass::person(rtp::ssrc(packet));
        let to = from ^ 1;
        self.addresses.insert(from, source);
        rewrite(packet);
        self.packets += 1;
        match self.fault(from, &packet[header..]) {
            Some(Fault::Drop) => return,
            Some(Fault::Corrupt) => packet[header + (packet.len() - header) / 2] ^= 1,
            Some(Fault::Reorder) => {
                self.held.insert(to, packet.to_vec());
                return;
            }
            Some(Fault::Misdeliver) => packet[header..].copy_from_slice(&self.last.1),
            Some(Fault::Repeat) => self.send(to, packet),
            None => {}
        }
        self.send(to, packet);
        if let Some(held) = self.held.remove(&to) {
            self.send(to, &held);
        }
    }

    /// What is to go wrong with this packet.
    fn fault(&mut self, from: u32, payload: &[u8]) -> Option<Fault> {
        let fault = self.options.fault?;
        let fits = self.last.0 != from && self.last.1.len() == payload.len();
        if self.packets - self.last_fault < FAULT_INTERVAL || (fault == Fault::Misdeliver && !fits) {
            self.last = (from, payload.to_vec());
            return None;
        }
        self.last_fault = self.packets;
        Some(fault)
    }

    fn send(&mut self, to: u32, packet: &[u8]) {
        // One who has not said anything yet can't be reached.
        if let Some(address) = self.addresses.get(&to) {
            self.outbox.push_to(*address, packet);
        }
    }
}

/// As a relay does (RFC 3550 section 5.1): payload type, sequence number, timestamp and SSRC.
fn rewrite(packet: &mut [u8]) {
    packet[1] = packet[1] & 0x80 | PAYLOAD_TYPE;
    let sequence = rtp::sequence(packet).wrapping_add(SEQUENCE_OFFSET);
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    let timestamp = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
    packet[4..8].copy_from_slice(&timestamp.wrapping_add(TIMESTAMP_OFFSET).to_be_bytes());
    let ssrc = rtp::ssrc(packet) | FORWARDED;
    packet[8..12].copy_from_slice(&ssrc.to_be_bytes());
}
