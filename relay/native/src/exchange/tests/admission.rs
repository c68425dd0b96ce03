//! Which credentials are taken, and whose an address is.

use super::world::{PASSWORD, REMOTE_PASSWORD, World, nomination};
use crate::exchange::*;
use crate::ice::bindings::Side;

/// The peer restarts ICE: it may check with this ufrag from now on.
fn restart(world: &mut World, peer: PeerId, ufrag: &str) {
    let local = Side { ufrag: ufrag.as_bytes().to_vec(), password: PASSWORD.to_vec() };
    let remote = Side { ufrag: b"them".to_vec(), password: REMOTE_PASSWORD.to_vec() };
    world.order(Command::Admit { peer, local, remote });
}

/// Somebody with these credentials nominates the path; whose it is then, or why it was refused.
fn nominate(world: &mut World, ufrag: &str, number: u8, path: Path) -> Result<PeerId, Reason> {
    let taken = world.exchange.table.receive(&nomination(ufrag, number), path, world.now, &mut world.out);
    taken.map(|taken| taken.peer)
}

#[test]
fn once_a_restart_s_credentials_nominate_those_before_them_are_void() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    restart(&mut world, 1, "again");
    assert_eq!(nominate(&mut world, "ufrag1", 1, ann.path), Ok(1), "our answer may be on its way");
    assert_eq!(nominate(&mut world, "again", 2, ann.path), Ok(1));
    assert_eq!(nominate(&mut world, "ufrag1", 3, ann.path), Err(Reason::StunUnknownUfrag));
    assert_eq!(nominate(&mut world, "again", 4, ann.path), Ok(1));
}

#[test]
fn a_restart_replaces_one_that_nobody_used() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    restart(&mut world, 1, "unused");
    restart(&mut world, 1, "again");
    assert_eq!(nominate(&mut world, "unused", 1, ann.path), Err(Reason::StunUnknownUfrag));
    assert_eq!(nominate(&mut world, "ufrag1", 2, ann.path), Ok(1));
    assert_eq!(nominate(&mut world, "again", 3, ann.path), Ok(1));
}

#[test]
fn who_is_released_leaves_neither_credentials_nor_an_address_behind() {
    let mut world = World::new();
    let (ann, bob) = (world.join(1, 96), world.join(2, 96));
    restart(&mut world, 1, "again");
    world.order(Command::Release { peer: 1 });
    for ufrag in ["ufrag1", "again"] {
        assert_eq!(nominate(&mut world, ufrag, 1, ann.path), Err(Reason::StunUnknownUfrag));
    }
    assert!(!world.exchange.is_owned(&ann.path) && world.exchange.is_owned(&bob.path));
}

#[test]
fn an_address_is_nobody_else_s_for_fifteen_seconds_after_its_owner_checked() {
    let mut world = World::new();
    let (ann, bob) = (world.join(1, 96), world.join(2, 96));
    assert_eq!(nominate(&mut world, "ufrag2", 1, ann.path), Err(Reason::StunAddressHeld));
    assert_eq!(world.exchange.table.flow(2), Some(bob.path));
    world.pass(15_000);
    assert_eq!(nominate(&mut world, "ufrag2", 2, ann.path), Err(Reason::StunAddressHeld));
    world.pass(1);
    // A NAT gave it to somebody else.
    assert_eq!(nominate(&mut world, "ufrag2", 3, ann.path), Ok(2));
    assert_eq!([1, 2].map(|peer| world.exchange.table.flow(peer)), [None, Some(ann.path)]);
    assert_eq!(nominate(&mut world, "ufrag1", 4, ann.path), Err(Reason::StunAddressHeld));
}
