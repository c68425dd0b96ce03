//! One person: a WebSocket, a connection, and media, from entering to leaving.

use std::io;
use std::net::SocketAddr;
use std::time::Instant;

use crate::answer::{Answer, Unusable};
use crate::carrier::Carrier;
use crate::chat::{Chat, Written};
use crate::clock::{Nanos, SECOND};
use crate::connection::{Connection, Event, Identity};
use crate::crowd::Visit;
use crate::media::{Common, Media, Outcome};
use crate::offer::{self, Ssrcs};
use crate::options::Transport;
use crate::shield::Shield;
use crate::signalling::{Closed, Said, Say, Signalling};

/// Between two reports of quality (relay/protocol/README.md).
const QUALITY_INTERVAL: Nanos = 10 * SECOND;

/// Where a person stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    Away,
    Connecting,
    /// There is media, but nobody to send it to.
    Ready,
    Talking,
}

/// What the others have to know of what happened to a person.
#[derive(Debug, PartialEq)]
pub enum Notice {
    /// There is a way for media that was not there when they came in.
    Tunnelled,
    Secured,
    /// The session goes on: in a room, or searching or not.
    Resumed {
        room: Option<String>,
        searching: bool,
    },
    /// The session that was cut is over: whom it talked with had left just then.
    Lapsed,
    Restarted,
    Chat(Written),
    Met {
        room: String,
    },
    Parted {
        searching: bool,
    },
    SawKeyframe,
    Failed(String),
}

/// What the kernel holds of a person.
pub type Sockets = (Option<Signalling>, Option<Carrier>);

/// Somebody who is played.
pub struct Person {
    pub id: u32,
    pub phase: Phase,
    /// Counts connections, so that turns of an old one are told apart.
    pub life: u32,
    pub signalling: Option<Signalling>,
    pub socket: Option<Carrier>,
    pub connection: Option<Connection>,
    pub media: Option<Media>,
    /// When ICE or DTLS is to be driven next.
    pub planned: Option<Nanos>,
    pub entered: Nanos,
    pub met: Nanos,
    pub room: Option<String>,
    pub sees: bool,
    /// When quality was last told of, and what had arrived by then.
    pub told: Option<(Nanos, [u64; 3])>,
    saw: Nanos,
    pub writes_only: bool,
    pub chat: Chat,
    /// The WebSocket was cut, and is to be resumed.
    pub is_cut: bool,
    /// Names this visit: who comes again is somebody else to the relay.
    pub visit: Visit,
    /// An offer is not answered yet.
    pub is_restarting: bool,
    /// They left the room and do not search: what the relay says of partners is out of date.
    pub has_left: bool,
    token: String,
    /// Of the WebSocket over which a session is to be resumed.
    provisional: String,
    has_camera: bool,
    ssrcs: Ssrcs,
    answer: Option<Answer>,
    /// The keys are there before SSRCs for what they are to open: another answer tells them.
    early_keys: Option<Shield>,
    /// Where TURN is, until the relay tells how it is used.
    awaits_turn: Option<SocketAddr>,
}

impl Person {
    pub fn new(id: u32, has_camera: bool, writes_only: bool) -> Self {
        Self {
            id,
            phase: Phase::Away,
            life: 0,
            signalling: None,
            socket: None,
            connection: None,
            media: None,
            planned: None,
            entered: 0,
            met: 0,
            room: None,
            sees: false,
            told: None,
            saw: 0,
            writes_only,
            chat: Chat::new(id),
            is_cut: false,
            visit: 0,
            is_restarting: false,
            has_left: false,
            token: String::new(),
            provisional: String::new(),
            has_camera,
            ssrcs: Ssrcs::random(),
            answer: None,
            early_keys: None,
            awaits_turn: None,
        }
    }

    /// One who needs no introduction: talks from the beginning, without signalling.
    pub fn talking(id: u32, socket: Carrier, media: Media) -> Self {
        let has_camera = media.has_camera();
        Self { phase: Phase::Talking, socket: Some(socket), media: Some(media), ..Self::new(id, has_camera, false) }
    }

    /// Come in: open the WebSocket, and what is to carry media.
    pub fn enter(&mut self, relay: SocketAddr, transport: Transport, now: Nanos) -> io::Result<()> {
        self.life += 1;
        self.phase = Phase::Connecting;
        self.entered = now;
        self.ssrcs = Ssrcs::random();
        self.signalling = Some(Signalling::open(relay, transport == Transport::TurnTls)?);
        if self.writes_only {
            return Ok(());
        }
        match transport {
            Transport::Udp => self.carry(Carrier::udp(relay)?),
            Transport::Tcp => self.carry(Carrier::tcp(relay)?),
            Transport::TurnTls => {
                self.awaits_turn = Some(relay);
                Ok(())
            }
        }
    }

    /// Have media go this way.
    fn carry(&mut self, socket: Carrier) -> io::Result<()> {
        self.connection = Some(Connection::new(socket.local_addr()?).map_err(io::Error::other)?);
        self.socket = Some(socket);
        Ok(())
    }

    /// Lose the WebSocket without a word.
    pub fn cut(&mut self) -> Option<Signalling> {
        self.is_cut = true;
        if let Some(media) = &mut self.media {
            media.is_uninformed = true;
        }
        self.signalling.take()
    }

    /// Come back to the session that was cut.
    pub fn come_back(&mut self, relay: SocketAddr, transport: Transport) -> io::Result<()> {
        self.signalling = Some(Signalling::open(relay, transport == Transport::TurnTls)?);
        Ok(())
    }

    /// Restart ICE.
    pub fn restart(&mut self, identity: &Identity) -> Result<(), Closed> {
        self.is_restarting = self.connection.is_some();
        match &mut self.connection {
            Some(connection) => connection.restart(),
            None => return Ok(()),
        }
        self.offer(identity)
    }

    /// Go: `politely` with a goodbye, or as a browser that was killed. Sockets are given back.
    pub fn leave(&mut self, politely: bool, common: &mut Common) -> Sockets {
        if let Some(media) = &mut self.media {
            media.finish(common);
        }
        if politely {
            if let Some(connection) = &mut self.connection {
                connection.close(Instant::now());
                self.flush(&mut Vec::new(), common);
            }
            if let Some(signalling) = &mut self.signalling {
                signalling.close();
            }
        }
        self.phase = Phase::Away;
        (self.connection, self.media, self.answer, self.early_keys) = (None, None, None, None);
        (self.planned, self.room, self.awaits_turn) = (None, None, None);
        (self.sees, self.is_cut, self.has_left, self.is_restarting) = (false, false, false, false);
        (self.signalling.take(), self.socket.take())
    }

    /// Say something over the WebSocket.
    pub fn say(&mut self, message: &Say) -> Result<(), Closed> {
        self.signalling.as_mut().map_or(Ok(()), |signalling| signalling.say(message))
    }

    /// Say how the conversation is, as browsers do: every ten seconds, and from when the partner is seen.
    pub fn tell_quality(&mut self, now: Nanos) {
        let (Some(media), Some(room)) = (&self.media, self.room.clone()) else {
            self.told = None;
            return;
        };
        let arrivals = media.arrivals();
        let Some((before, earlier)) = self.told else {
            if self.sees {
                let seconds = self.saw.saturating_sub(self.met) as f64 / SECOND as f64;
                self.told = Some((now, arrivals));
                // That it was not said is found out by reading.
                let _ = self.say(&Say::FirstFrame { room, seconds });
            }
            return;
        };
        if now < before + QUALITY_INTERVAL {
            return;
        }
        self.told = Some((now, arrivals));
        let seconds = (now - before) as f64 / SECOND as f64;
        let [expected, lost, pictures] = std::array::from_fn(|place| arrivals[place].saturating_sub(earlier[place]));
        let _ = self.say(&Say::Quality {
            room,
            seconds,
            frames_per_second: Some((pictures as f64 / seconds).min(240.0)),
            loss: (expected > 0).then(|| (lost as f64 / expected as f64).min(1.0)),
        });
    }

    /// Read the WebSocket.
    pub fn hear(&mut self, identity: &Identity, common: &mut Common, notices: &mut Vec<Notice>) {
        let Some(signalling) = &mut self.signalling else { return };
        let said = match signalling.hear() {
            Ok(said) => said,
            Err(Closed(reason)) => return notices.push(Notice::Failed(format!("WebSocket: {reason}"))),
        };
        for message in said {
            if let Err(reason) = self.act_on(message, identity, common, notices) {
                notices.push(Notice::Failed(reason));
            }
        }
    }

    /// Take one datagram of the media socket (RFC 7983 tells what is what).
    pub fn receive(
        &mut self,
        datagram: &mut [u8],
        now: Nanos,
        identity: &Identity,
        common: &mut Common,
        notices: &mut Vec<Notice>,
    ) {
        match (datagram.first(), &mut self.connection) {
            (Some(0..=3), Some(connection)) => connection.receive_stun(datagram, identity, Instant::now()),
            (Some(20..=63), Some(connection)) => connection.receive_dtls(datagram, Instant::now()),
            _ => {
                if let (Some(media), Some(socket)) = (&mut self.media, &self.socket)
                    && media.receive(datagram, now, socket, common) == Outcome::FirstKeyframe
                {
                    self.sees = true;
                    self.saw = now;
                    notices.push(Notice::SawKeyframe);
                }
                return;
            }
        }
        self.flush(notices, common);
    }

    /// Let ICE and DTLS do what is due.
    pub fn connect(&mut self, common: &mut Common, notices: &mut Vec<Notice>) {
        if let Some(connection) = &mut self.connection {
            connection.handle_timeout(Instant::now());
        }
        self.flush(notices, common);
    }

    fn act_on(
        &mut self,
        message: Said,
        identity: &Identity,
        common: &mut Common,
        notices: &mut Vec<Notice>,
    ) -> Result<(), String> {
        match message {
            Said::Connected { token, .. } if self.is_cut => {
                self.provisional = token;
                let last_message = self.chat.last_heard().map(str::to_owned);
                let resume = Say::Resume { token: self.token.clone(), last_message };
                self.say(&resume).map_err(|Closed(reason)| reason)?;
            }
            Said::Connected { token, turn } => {
                self.token = token;
                if let Some(relay) = self.awaits_turn.take() {
                    let server = turn.ok_or("the relay knows of no TURN over TLS")?;
                    let carried = Carrier::turn(&server, relay).and_then(|socket| self.carry(socket));
                    carried.map_err(|error| error.to_string())?;
                    notices.push(Notice::Tunnelled);
                }
                if self.writes_only {
                    self.phase = Phase::Ready;
                    notices.push(Notice::Secured);
                }
                self.offer(identity).map_err(|Closed(reason)| reason)?;
            }
            Said::Resumed { token, room, searching } => {
                (self.token, self.is_cut) = (token, false);
                if let Some(media) = &mut self.media {
                    media.is_uninformed = false;
                }
                notices.push(Notice::Resumed { room, searching });
            }
            Said::Chat(written) => notices.push(Notice::Chat(written)),
            Said::Delivered { id } => self.chat.confirm(&id),
            Said::WebrtcAnswer { sdp } => {
                let answer = Answer::parse(&sdp).map_err(|Unusable(reason)| reason.to_owned())?;
                if let Some(shield) = self.early_keys.take() {
                    self.answer = Some(answer);
                    self.secure(shield, common, notices);
                    return Ok(());
                }
                if let (Some(connection), Some(socket)) = (&mut self.connection, &self.socket) {
                    socket.connect(answer.address()).map_err(|error| error.to_string())?;
                    connection.start(&answer, Instant::now());
                }
                if self.answer.replace(answer).is_some() {
                    self.is_restarting = false;
                    notices.push(Notice::Restarted);
                }
                self.flush(notices, common);
            }
            Said::PartnerFound { room } => notices.push(Notice::Met { room }),
            Said::PartnerDisconnected { searching } => notices.push(Notice::Parted { searching }),
            Said::Ping => self.say(&Say::Pong).map_err(|Closed(reason)| reason)?,
            // Crossed with the end of the conversation.
            Said::Error { code, refused: Some(refused) }
                if code == "out_of_turn" && (refused == "chat_message" || refused == "find_partner") => {}
            // Without a media connection, and with nobody to talk to, there was nothing to be kept.
            Said::Error { code, .. } if code == "resume_failed" && self.writes_only => {
                (self.token, self.is_cut) = (std::mem::take(&mut self.provisional), false);
                notices.push(Notice::Lapsed);
            }
            Said::Error { code, .. } => return Err(format!("relay: {code}")),
            Said::Other => {}
        }
        Ok(())
    }

    fn offer(&mut self, identity: &Identity) -> Result<(), Closed> {
        let Some(connection) = &self.connection else { return Ok(()) };
        let credentials = connection.credentials();
        let sdp = offer::write(&credentials.ufrag, &credentials.pass, &identity.fingerprint(), &self.ssrcs);
        self.say(&Say::Offer(sdp))
    }

    fn flush(&mut self, notices: &mut Vec<Notice>, common: &mut Common) {
        while let Some(event) = self.connection.as_mut().and_then(Connection::poll) {
            match event {
                Event::Send(datagram) => common.outbox.push(|bytes| bytes.extend_from_slice(&datagram)),
                Event::Secured(shield) => self.secure(shield, common, notices),
                Event::Failed(reason) => notices.push(Notice::Failed(reason.to_owned())),
            }
        }
        if let Some(socket) = &self.socket {
            common.flush(socket);
        }
    }

    fn secure(&mut self, shield: Shield, common: &Common, notices: &mut Vec<Notice>) {
        let Some(answer) = &self.answer else { return };
        let Some(slots) = answer.slots() else {
            self.early_keys = Some(shield);
            return;
        };
        let camera = self.has_camera.then(|| answer.camera(&self.ssrcs));
        let microphone = answer.microphone(&self.ssrcs);
        let now = crate::clock::now();
        self.media = Some(Media::new(self.id, shield, microphone, camera, slots, common, now));
        self.phase = Phase::Ready;
        notices.push(Notice::Secured);
    }
}
