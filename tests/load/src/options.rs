//! What can be chosen on the command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Plays people in pairs against a relay, checks what reaches them, and reports.
#[derive(Clone, Debug, Parser)]
#[command(version)]
pub struct Options {
    /// How media gets from one person to the other.
    #[arg(value_enum)]
    pub route: Route,
    /// The relay's HTTP port, the forwarder's or the TURN server's UDP port.
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub server: SocketAddr,
    /// What carries media to the relay.
    #[arg(long, value_enum, default_value_t = Transport::Udp)]
    pub transport: Transport,
    /// How many people; an odd one waits.
    #[arg(long, default_value_t = 2)]
    pub people: u32,
    /// Seconds of steady state that are measured.
    #[arg(long, default_value_t = 10.0)]
    pub seconds: f64,
    /// Measure once for each line that comes on standard input, and rest in between; its end is that of the run.
    /// So several generators can take turns.
    #[arg(long)]
    pub on_command: bool,
    /// Seconds between the last person's arrival and the beginning of the measurement.
    #[arg(long, default_value_t = 1.0)]
    pub settle: f64,
    /// People that come in per second.
    #[arg(long, default_value_t = 50.0)]
    pub join_rate: f64,
    /// Video in kbit/s, when made up.
    #[arg(long, default_value_t = 1_000.0)]
    pub video_kbps: f64,
    /// Pictures per second.
    #[arg(long, default_value_t = 30.0)]
    pub fps: f64,
    /// Payload of a made-up video packet.
    #[arg(long, default_value_t = 1_136, value_parser = clap::value_parser!(u16).range(40..=1_200))]
    pub packet_bytes: u16,
    /// Payload of an Opus packet; 50 are sent per second.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(29..=259))]
    pub audio_bytes: u16,
    /// Send the pictures of this IVF file (VP8) instead of made-up ones.
    #[arg(long)]
    pub vp8: Option<PathBuf>,
    /// What arrives was not made here, because the relay encodes anew or a partner is a browser: check
    /// continuity and rate alone.
    #[arg(long)]
    pub foreign: bool,
    /// Of ten people, those without a camera.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub audio_only: u32,
    /// Of ten people, those who only write, the last of them; they have no media connection.
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub text_only: u32,
    /// Fraction of datagrams that a person loses, each way.
    #[arg(long, default_value_t = 0.0)]
    pub loss: f64,
    /// Of ten people, those who lose any.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=10))]
    pub lossy: u32,
    /// Mean seconds after which a person goes on to the next partner.
    #[arg(long)]
    pub skip_every: Option<f64>,
    /// Mean seconds after which a person leaves the room, to search again a second later.
    #[arg(long)]
    pub leave_every: Option<f64>,
    /// Mean seconds after which a person falls silent without a goodbye; somebody new comes later.
    #[arg(long)]
    pub die_every: Option<f64>,
    /// Mean seconds after which a person closes everything and comes again.
    #[arg(long)]
    pub reconnect_every: Option<f64>,
    /// Mean seconds between two messages that a person writes.
    #[arg(long)]
    pub chat_every: Option<f64>,
    /// Mean seconds after which a person's WebSocket is cut, to be resumed half a second later.
    #[arg(long)]
    pub resume_every: Option<f64>,
    /// Mean seconds after which a person restarts ICE.
    #[arg(long)]
    pub restart_every: Option<f64>,
    /// Seconds for which two may wait at the same time who might meet.
    #[arg(long, default_value_t = 1.0)]
    pub patience: f64,
    /// End when so many pairs have met, even before the time is over.
    #[arg(long)]
    pub pairings: Option<u64>,
    /// Makes the behaviours repeatable.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Hand each picture to the kernel at once (UDP_SEGMENT), for a thousand people on one core. Its packets
    /// arrive together, which makes every relay a little cheaper: not for comparisons.
    #[arg(long)]
    pub segments: bool,
    /// Print one JSON object per line: `phase` as it comes, then `report`.
    #[arg(long)]
    pub json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Transport {
    Udp,
    /// Active ICE-TCP (RFC 6544).
    Tcp,
    /// TURN over TLS, at the server that the relay names. The WebSocket goes over TLS, too.
    TurnTls,
}

#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub enum Route {
    /// The product: WebSocket, ICE, DTLS, SRTP.
    Relay,
    /// The plain forwarder of this crate, which opens nothing: what the kernel alone costs.
    Forwarder,
    /// A TURN server, by ChannelData.
    Turn,
    /// From socket to socket, without anything between.
    Direct,
}
