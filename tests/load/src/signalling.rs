//! The WebSocket of one person, without ever blocking the others.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, RawFd};

use serde::Deserialize;
use serde_json::{Value, json};
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::handshake::{HandshakeError, MidHandshake};
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message, WebSocket};

use crate::chat::Written;
use crate::offer;
use crate::tls::Wire;
use crate::turn::tunnel::Server;

/// What the relay says, as far as it concerns us (`relay/protocol/README.md`).
#[derive(Debug, PartialEq)]
pub enum Said {
    Connected {
        token: String,
        /// The first TURN server that speaks TLS.
        turn: Option<Server>,
    },
    /// The session goes on over this connection.
    Resumed {
        token: String,
        room: Option<String>,
        searching: bool,
    },
    Chat(Written),
    Delivered {
        id: String,
    },
    PartnerFound {
        room: String,
    },
    WebrtcAnswer {
        sdp: String,
    },
    /// Gone; whether the relay searches for another one by itself.
    PartnerDisconnected {
        searching: bool,
    },
    Error {
        code: String,
        refused: Option<String>,
    },
    /// It wants to hear that we run.
    Ping,
    Other,
}

#[derive(Deserialize)]
struct Frame {
    event: String,
    #[serde(default)]
    data: Value,
}

impl Said {
    fn parse(text: &str) -> Result<Self, Closed> {
        let Frame { event, data } = serde_json::from_str(text).map_err(|error| Closed(error.to_string()))?;
        let field = |name: &str| {
            data[name].as_str().map(str::to_owned).ok_or_else(|| Closed(format!("{event} without {name}")))
        };
        Ok(match event.as_str() {
            "connected" => Self::Connected { token: field("session_token")?, turn: turn(&data["ice_servers"]) },
            "resumed" => Self::Resumed {
                token: field("session_token")?,
                room: field("room_id").ok(),
                searching: data["searching"].as_bool().unwrap_or_default(),
            },
            "chat_message" => Self::Chat(Written { id: field("id")?, text: field("text")? }),
            "message_delivered" => Self::Delivered { id: field("id")? },
            "partner_found" => Self::PartnerFound { room: field("room_id")? },
            "webrtc_answer" => Self::WebrtcAnswer { sdp: field("sdp")? },
            "partner_disconnected" => {
                Self::PartnerDisconnected { searching: data["searching"].as_bool().unwrap_or_default() }
            }
            "ping" => Self::Ping,
            "error" => Self::Error { code: field("code")?, refused: field("refused").ok() },
            _ => Self::Other,
        })
    }
}

fn turn(servers: &Value) -> Option<Server> {
    servers.as_array()?.iter().find_map(|server| {
        let (username, credential) = (server["username"].as_str()?, server["credential"].as_str()?);
        server["urls"].as_array()?.iter().find_map(|url| Server::new(url.as_str()?, username, credential))
    })
}

/// What a person says.
pub enum Say {
    FindPartner {
        writes_only: bool,
    },
    NextPartner,
    LeaveRoom,
    Pong,
    Offer(String),
    /// The first keyframe came so many seconds after the meeting.
    FirstFrame {
        room: String,
        seconds: f64,
    },
    Quality {
        room: String,
        seconds: f64,
        frames_per_second: Option<f64>,
        loss: Option<f64>,
    },
    Chat {
        room: String,
        written: Written,
    },
    Resume {
        token: String,
        last_message: Option<String>,
    },
}

/// The connection is gone.
#[derive(Debug)]
pub struct Closed(pub String);

enum State {
    Greeting(MidHandshake<ClientHandshake<Wire>>),
    Open(Box<WebSocket<Wire>>),
    Closed,
}

pub struct Signalling {
    state: State,
    descriptor: RawFd,
}

impl AsRawFd for Signalling {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor
    }
}

impl Signalling {
    /// Connect to `/ws` of the relay, with TLS or without.
    pub fn open(relay: SocketAddr, is_secure: bool) -> io::Result<Self> {
        let stream = TcpStream::connect(relay)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let descriptor = stream.as_raw_fd();
        let (scheme, wire) = if is_secure {
            ("wss", Wire::secure(stream, &relay.ip().to_string())?)
        } else {
            ("ws", Wire::Plain(stream))
        };
        let state = match tungstenite::client(format!("{scheme}://{relay}/ws"), wire) {
            Ok((socket, _)) => State::Open(Box::new(socket)),
            Err(HandshakeError::Interrupted(handshake)) => State::Greeting(handshake),
            Err(HandshakeError::Failure(error)) => return Err(io::Error::other(error)),
        };
        Ok(Self { state, descriptor })
    }

    /// Everything that has arrived.
    pub fn hear(&mut self) -> Result<Vec<Said>, Closed> {
        self.greet()?;
        let mut said = Vec::new();
        while let State::Open(socket) = &mut self.state {
            match socket.read() {
                Ok(Message::Text(text)) => {
                    said.push(Said::parse(&text)?);
                }
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    self.state = State::Closed;
                    // What was said before the end is still worth hearing; the end is found again.
                    return if said.is_empty() { Err(Closed(error.to_string())) } else { Ok(said) };
                }
            }
        }
        Ok(said)
    }

    /// Say something. It is small enough for the kernel to take it whole.
    pub fn say(&mut self, message: &Say) -> Result<(), Closed> {
        let State::Open(socket) = &mut self.state else { return Err(Closed("not open".into())) };
        let text = match message {
            Say::FindPartner { writes_only } => {
                let mode = if *writes_only { "text" } else { "video" };
                json!({"event": "find_partner", "data": {"mode": mode}})
            }
            Say::Chat { room, written: Written { id, text } } => {
                json!({"event": "chat_message", "data": {"id": id, "text": text, "room_id": room}})
            }
            Say::Resume { token, last_message } => {
                json!({"event": "resume", "data": {"token": token, "last_message": last_message}})
            }
            Say::NextPartner => json!({"event": "next_partner"}),
            Say::Pong => json!({"event": "pong"}),
            Say::LeaveRoom => json!({"event": "leave_room"}),
            Say::FirstFrame { room, seconds } => json!({"event": "first_frame",
                "data": {"room_id": room, "medium": "picture", "seconds": seconds}}),
            Say::Quality { room, seconds, frames_per_second, loss } => json!({"event": "quality_report",
                "data": {"room_id": room, "seconds": seconds, "frames_per_second": frames_per_second, "loss": loss}}),
            Say::Offer(sdp) => {
                let lines: serde_json::Map<_, _> =
                    offer::ROLES.iter().enumerate().map(|(mid, role)| (mid.to_string(), Value::from(*role))).collect();
                json!({"event": "webrtc_offer", "data": {"sdp": sdp, "lines": lines}})
            }
        };
        match socket.send(Message::text(text.to_string())) {
            Ok(()) => Ok(()),
            // Kept by tungstenite, and sent with the next message.
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(Closed(error.to_string())),
        }
    }

    /// Close politely; what the relay answers is not waited for.
    pub fn close(&mut self) {
        if let State::Open(socket) = &mut self.state {
            // The relay sees the end of the connection in any case.
            let goodbye = CloseFrame { code: CloseCode::Normal, reason: "".into() };
            let _ = socket.close(Some(goodbye)).and_then(|()| socket.flush());
        }
        self.state = State::Closed;
    }

    fn greet(&mut self) -> Result<(), Closed> {
        let handshake = match std::mem::replace(&mut self.state, State::Closed) {
            State::Greeting(handshake) => handshake,
            State::Closed => return Err(Closed("closed by the relay".into())),
            open => {
                self.state = open;
                return Ok(());
            }
        };
        self.state = match handshake.handshake() {
            Ok((socket, _)) => State::Open(Box::new(socket)),
            Err(HandshakeError::Interrupted(handshake)) => State::Greeting(handshake),
            Err(HandshakeError::Failure(error)) => return Err(Closed(error.to_string())),
        };
        Ok(())
    }
}
