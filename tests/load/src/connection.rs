//! ICE and DTLS of one person, until there are SRTP keys, and ICE consent afterwards.
//!
//! The ICE agent and the DTLS client are those of str0m. Used on their own, because its session keeps
//! the keys to itself. As in Chromium, DTLS begins with the first answered check, before nomination.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::certificate::{calculate_fingerprint, format_fingerprint};
use dimpl::{Config, Dtls, DtlsCertificate, Output};
use is::stun::{StunMessage, StunPacket};
use is::{Candidate, IceAgent, IceAgentEvent, IceConnectionState, IceCreds, Protocol};

use crate::answer::Answer;
use crate::shield::Shield;
use crate::srtp::Context;

/// Between consent checks, as in Chromium. RFC 7675 section 5.1 wants one every five seconds or so.
const CONSENT_INTERVAL: Duration = Duration::from_millis(2_500);
const LARGEST_RECORD: usize = 2_048;

/// What the connection wants.
pub enum Event {
    Send(Vec<u8>),
    Secured(Shield),
    Failed(&'static str),
}

/// The certificate and settings that all people share.
pub struct Identity {
    certificate: DtlsCertificate,
    config: Arc<Config>,
}

impl Identity {
    pub fn generate() -> Result<Self, String> {
        let certificate = dimpl::certificate::generate_self_signed_certificate().map_err(|error| error.to_string())?;
        Ok(Self { certificate, config: Arc::new(Config::default()) })
    }

    /// For `a=fingerprint`.
    pub fn fingerprint(&self) -> String {
        self.certificate.fingerprint_str()
    }

    fn begin(&self, now: Instant) -> Dtls {
        let mut dtls = Dtls::new_12(Arc::clone(&self.config), self.certificate.clone(), now);
        dtls.set_active(true);
        dtls
    }
}

/// The state of one connection.
pub struct Connection {
    agent: IceAgent,
    local: SocketAddr,
    remote: Option<Remote>,
    dtls: Option<Dtls>,
    dtls_due: Option<Instant>,
    is_secured: bool,
    is_authentic: bool,
    events: VecDeque<Event>,
}

struct Remote {
    address: SocketAddr,
    fingerprint: String,
}

impl Connection {
    /// Not yet started: `credentials` go into the offer.
    pub fn new(local: SocketAddr) -> Result<Self, String> {
        let mut agent = IceAgent::new(IceCreds::new());
        agent.set_controlling(true);
        agent.set_max_stun_rto(CONSENT_INTERVAL);
        let candidate = Candidate::host(local, "udp").map_err(|error| error.to_string())?;
        agent.add_local_candidate(candidate);
        Ok(Self {
            agent,
            local,
            remote: None,
            dtls: None,
            dtls_due: None,
            is_secured: false,
            is_authentic: false,
            events: VecDeque::new(),
        })
    }

    pub fn credentials(&self) -> &IceCreds {
        self.agent.local_credentials()
    }

    /// Begin with checks.
    pub fn start(&mut self, answer: &Answer, now: Instant) {
        self.agent.set_remote_credentials(IceCreds { ufrag: answer.ufrag.clone(), pass: answer.password.clone() });
        for candidate in &answer.candidates {
            self.agent.add_remote_candidate(candidate.clone());
        }
        self.remote = Some(Remote { address: answer.address(), fingerprint: answer.fingerprint.clone() });
        self.agent.handle_timeout(now);
        self.collect_ice();
    }

    /// Begin anew with ICE (RFC 8445 section 9); DTLS and SRTP stay. The new credentials go into an offer, and `start`
    /// takes its answer.
    pub fn restart(&mut self) {
        self.agent.ice_restart(IceCreds::new(), true);
    }

    /// Take a STUN message.
    pub fn receive_stun(&mut self, datagram: &[u8], identity: &Identity, now: Instant) {
        let (Some(remote), Ok(message)) = (&self.remote, StunMessage::parse(datagram)) else { return };
        let packet = StunPacket { proto: Protocol::Udp, source: remote.address, destination: self.local, message };
        self.agent.handle_packet(now, packet);
        self.collect_ice();
        if self.dtls.is_none() && self.agent.stats().bind_success_recv > 0 {
            self.dtls = Some(identity.begin(now));
            self.drive_dtls(now, None);
        }
    }

    /// Take a DTLS datagram.
    pub fn receive_dtls(&mut self, datagram: &[u8], now: Instant) {
        self.drive_dtls(now, Some(datagram));
    }

    /// Do what is due by the clock.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.agent.poll_timeout().is_some_and(|due| due <= now) {
            self.agent.handle_timeout(now);
            self.collect_ice();
        }
        if self.dtls_due.is_some_and(|due| due <= now) {
            self.drive_dtls(now, None);
        }
    }

    /// When to call `handle_timeout`. The finished handshake needs no clock.
    pub fn due(&mut self) -> Option<Instant> {
        let dtls = self.dtls_due.filter(|_| !self.is_secured);
        self.agent.poll_timeout().into_iter().chain(dtls).min()
    }

    /// The next thing that the connection wants.
    pub fn poll(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Say goodbye.
    pub fn close(&mut self, now: Instant) {
        if let Some(dtls) = &mut self.dtls
            && dtls.close().is_ok()
        {
            self.drive_dtls(now, None);
        }
    }

    fn collect_ice(&mut self) {
        while let Some(transmit) = self.agent.poll_transmit() {
            self.events.push_back(Event::Send(transmit.contents.into()));
        }
        while let Some(event) = self.agent.poll_event() {
            if event == IceAgentEvent::IceConnectionStateChange(IceConnectionState::Disconnected) {
                self.events.push_back(Event::Failed("ICE: no answer to checks"));
            }
        }
    }

    fn drive_dtls(&mut self, now: Instant, datagram: Option<&[u8]>) {
        let (Some(dtls), Some(remote)) = (&mut self.dtls, &self.remote) else { return };
        let advanced = dtls.handle_timeout(now).and_then(|()| datagram.map_or(Ok(()), |it| dtls.handle_packet(it)));
        if advanced.is_err() {
            self.events.push_back(Event::Failed("DTLS: the handshake failed"));
            self.dtls = None;
            return;
        }
        let mut buffer = [0; LARGEST_RECORD];
        loop {
            match dtls.poll_output(&mut buffer) {
                Output::Packet(record) => self.events.push_back(Event::Send(record.to_vec())),
                Output::PeerCert(certificate) => {
                    let fingerprint = format_fingerprint(&calculate_fingerprint(certificate));
                    self.is_authentic = fingerprint == remote.fingerprint;
                }
                Output::KeyingMaterial(material, profile) => {
                    let contexts = Context::of_client(&material, profile).ok().filter(|_| self.is_authentic);
                    self.is_secured = contexts.is_some();
                    self.events.push_back(match contexts {
                        Some((ours, theirs)) => {
                            Event::Secured(Shield::Srtp { ours: Box::new(ours), theirs: Box::new(theirs) })
                        }
                        None => Event::Failed("DTLS: not the certificate or SRTP profile that was expected"),
                    });
                }
                Output::CloseNotify => self.events.push_back(Event::Failed("DTLS: closed by the relay")),
                Output::Timeout(due) => {
                    self.dtls_due = Some(due);
                    return;
                }
                Output::BufferTooSmall { .. } => {
                    self.events.push_back(Event::Failed("DTLS: a record larger than any datagram"));
                    return;
                }
                _ => {}
            }
        }
    }
}
