//! In which shard of the exchange a path or a user name is known.
//!
//! Each thread asks it before it takes a shard, and writes to it while it holds the shard that changed: so it says of
//! every shard that nobody holds what is so. Its lock is the innermost: who holds it takes no other.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use rustc_hash::FxHashMap;

use crate::exchange::Touched;
use crate::path::Path;
use crate::wire::stun::Message;

/// The number of a shard.
pub type Place = u16;

/// See the module.
#[derive(Default)]
pub struct Directory {
    entries: RwLock<Entries>,
    /// How often something left its shard.
    departures: AtomicU64,
}

/// What it says.
#[derive(Default)]
pub struct Entries {
    paths: FxHashMap<Path, Place>,
    ufrags: HashMap<Vec<u8>, Place>,
}

/// Where a datagram belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Belongs {
    /// To who proved its path, or to whom its user name belongs.
    To(Place),
    /// To the first; and its path is that of somebody in the second.
    Across(Place, Place),
    /// To nobody that is known.
    Nowhere,
}

impl Entries {
    /// Where a datagram belongs that came by the path.
    pub fn belongs(&self, datagram: &[u8], path: &Path) -> Belongs {
        let place = self.paths.get(path).copied();
        let message = match datagram.first() {
            Some(0..=3) => Message::parse(datagram).filter(|message| !message.is_answer),
            _ => None,
        };
        let named = match message {
            Some(check) => self.ufrags.get(check.local_ufrag()).copied(),
            None => place,
        };
        match (named, place) {
            (Some(named), Some(place)) if named != place => Belongs::Across(named, place),
            (Some(named), _) => Belongs::To(named),
            (None, _) => Belongs::Nowhere,
        }
    }

    /// Where the path is known.
    pub fn place_of(&self, path: &Path) -> Option<Place> {
        self.paths.get(path).copied()
    }
}

impl Directory {
    /// What it says now, and [`Self::departures`] by then. Nobody changes it as long as this is held.
    pub fn read(&self) -> (RwLockReadGuard<'_, Entries>, u64) {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        let departures = self.departures();
        (entries, departures)
    }

    /// Where the path is known.
    pub fn place_of(&self, path: &Path) -> Option<Place> {
        self.read().0.place_of(path)
    }

    /// A number that changes whenever something leaves a shard. If it is what it was when the directory was read, then
    /// what was in the shard that the reader holds now is there still.
    pub fn departures(&self) -> u64 {
        self.departures.load(Ordering::Acquire)
    }

    /// What came to a shard and what left it. Gives the paths that another shard has: only one can.
    pub fn note(&self, place: Place, touched: Touched) -> Vec<Path> {
        self.write(place, touched, false)
    }

    /// The same, of what came from another shard, whose holder this is as well.
    pub fn note_moved(&self, place: Place, touched: Touched) {
        self.write(place, touched, true);
    }

    fn write(&self, place: Place, touched: Touched, moved: bool) -> Vec<Path> {
        if touched.paths.is_empty() && touched.ufrags.is_empty() {
            return Vec::new();
        }
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let (mut left, mut refused) = (false, Vec::new());
        for (path, here) in touched.paths {
            let known = entries.paths.get(&path).copied();
            match known {
                Some(known) if here && known != place && !moved => refused.push(path),
                _ if here => left |= entries.paths.insert(path, place).is_some_and(|known| known != place),
                Some(known) if known == place => left |= entries.paths.remove(&path).is_some(),
                _ => {}
            }
        }
        for (ufrag, here) in touched.ufrags {
            if here {
                left |= entries.ufrags.insert(ufrag, place).is_some_and(|known| known != place);
            } else if entries.ufrags.get(&ufrag) == Some(&place) {
                left |= entries.ufrags.remove(&ufrag).is_some();
            }
        }
        if left {
            self.departures.fetch_add(1, Ordering::AcqRel);
        }
        refused
    }

    /// How many paths and user names are known.
    #[cfg(test)]
    pub fn len(&self) -> (usize, usize) {
        let (entries, _) = self.read();
        (entries.paths.len(), entries.ufrags.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stun::{integrity_key, write_check};

    fn path(port: u16) -> Path {
        Path::udp(([192, 0, 2, 1], port).into(), [198, 51, 100, 1].into())
    }

    fn check(ufrag: &[u8]) -> Vec<u8> {
        let mut message = Vec::new();
        write_check([7; 12], ufrag, b"them", &integrity_key(b"password"), &mut message);
        message
    }

    fn touched(paths: &[(u16, bool)], ufrags: &[(&[u8], bool)]) -> Touched {
        Touched {
            paths: paths.iter().map(|(port, here)| (path(*port), *here)).collect(),
            ufrags: ufrags.iter().map(|(ufrag, here)| (ufrag.to_vec(), *here)).collect(),
        }
    }

    fn belongs(directory: &Directory, datagram: &[u8], port: u16) -> Belongs {
        directory.read().0.belongs(datagram, &path(port))
    }

    #[test]
    fn media_belongs_to_who_proved_its_path_and_a_check_to_whom_it_names() {
        let directory = Directory::default();
        assert_eq!(directory.note(3, touched(&[(1, true)], &[(b"ann", true)])), []);
        assert_eq!(directory.note(5, touched(&[(2, true)], &[(b"bob", true)])), []);
        for media in [&[0x80, 0][..], &[22], &[1, 1], &[]] {
            assert_eq!(belongs(&directory, media, 1), Belongs::To(3));
            assert_eq!(belongs(&directory, media, 9), Belongs::Nowhere);
        }
        assert_eq!(belongs(&directory, &check(b"ann"), 1), Belongs::To(3));
        assert_eq!(belongs(&directory, &check(b"ann"), 9), Belongs::To(3));
        assert_eq!(belongs(&directory, &check(b"ann"), 2), Belongs::Across(3, 5));
        assert_eq!(belongs(&directory, &check(b"eve"), 1), Belongs::Nowhere);
    }

    #[test]
    fn who_leaves_a_shard_is_noticed_and_who_comes_is_not() {
        let directory = Directory::default();
        directory.note(3, touched(&[(1, true)], &[(b"ann", true)]));
        assert_eq!(directory.departures(), 0);
        directory.note_moved(5, touched(&[(1, true)], &[(b"ann", true)]));
        directory.note_moved(3, touched(&[(1, false)], &[(b"ann", false)]));
        assert_eq!((directory.departures(), directory.place_of(&path(1))), (1, Some(5)));
        assert_eq!(belongs(&directory, &check(b"ann"), 1), Belongs::To(5));
        directory.note(5, touched(&[(1, false)], &[(b"ann", false)]));
        assert_eq!((directory.departures(), directory.len()), (2, (0, 0)));
    }

    #[test]
    fn a_path_is_in_one_shard_alone() {
        let directory = Directory::default();
        directory.note(3, touched(&[(1, true)], &[]));
        assert_eq!(directory.note(5, touched(&[(1, true), (2, true)], &[])), [path(1)]);
        assert_eq!((directory.place_of(&path(1)), directory.place_of(&path(2))), (Some(3), Some(5)));
        // Nor does who has it not take it away.
        directory.note(5, touched(&[(1, false)], &[]));
        assert_eq!(directory.place_of(&path(1)), Some(3));
    }
}
