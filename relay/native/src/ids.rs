//! What peers, lines and slots are called.

/// Names a peer; given by Python and never reused.
pub type PeerId = u64;

/// Numbers those whom one peer is shown. With one partner there is seat 0.
pub type Seat = u8;

/// Seats that a peer may have. With the retransmissions of their pictures they make as many streams as one peer keeps
/// replay windows for ([`crate::srtp::STREAMS_PER_PEER`]), and some to spare.
pub const SEATS: Seat = 4;

/// One kind of stream of one person. The names are those of `relay/peer/lines.py`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // the names say it
pub enum Medium {
    Microphone = 0,
    Camera = 1,
    Screen = 2,
}

impl Medium {
    /// Every medium, by its number.
    pub const ALL: [Medium; 3] = [Medium::Microphone, Medium::Camera, Medium::Screen];

    /// Whether its packets depend on earlier ones.
    pub const fn is_video(self) -> bool {
        !matches!(self, Medium::Microphone)
    }

    /// Its name in Python.
    pub const fn name(self) -> &'static str {
        match self {
            Medium::Microphone => "microphone",
            Medium::Camera => "camera",
            Medium::Screen => "screen",
        }
    }

    /// By its name in Python.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|medium| medium.name() == name)
    }
}

/// What a peer sends as one medium.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LineId {
    /// Whose.
    pub peer: PeerId,
    /// Which.
    pub medium: Medium,
}

/// Where a peer is shown one medium of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SlotId {
    /// To whom.
    pub peer: PeerId,
    /// Of which partner.
    pub seat: Seat,
    /// Which.
    pub medium: Medium,
}
