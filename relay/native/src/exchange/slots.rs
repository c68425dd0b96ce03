//! The slots of one peer, by seat and medium.

use crate::forward::slot::Slot;
use crate::ids::{Medium, Seat};

/// As many places as the highest seat needs; each medium of each seat has one.
#[derive(Debug, Default)]
pub(super) struct Slots(Vec<Option<Slot>>);

impl Slots {
    /// Put a slot where its setup says.
    pub(super) fn insert(&mut self, slot: Slot) {
        let at = place(slot.setup.seat, slot.setup.medium);
        if at >= self.0.len() {
            let seats = usize::from(slot.setup.seat) + 1;
            self.0.resize_with(seats * Medium::ALL.len(), || None);
        }
        self.0[at] = Some(slot);
    }

    #[cfg(test)]
    pub(super) fn get(&self, seat: Seat, medium: Medium) -> Option<&Slot> {
        self.0.get(place(seat, medium))?.as_ref()
    }

    pub(super) fn get_mut(&mut self, seat: Seat, medium: Medium) -> Option<&mut Slot> {
        self.0.get_mut(place(seat, medium))?.as_mut()
    }

    /// Seat by seat, each in the order of media.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().flatten()
    }

    /// Seat by seat, each in the order of media.
    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Slot> {
        self.0.iter_mut().flatten()
    }

    /// Our stream with this SSRC.
    pub(super) fn with_ssrc(&mut self, ssrc: u32) -> Option<&mut Slot> {
        self.iter_mut().find(|slot| slot.setup.ssrc == ssrc)
    }
}

fn place(seat: Seat, medium: Medium) -> usize {
    usize::from(seat) * Medium::ALL.len() + medium as usize
}
