//! Who receives where datagrams go: a person who writes a bystander's address as a source, and one who moves.

use super::world::{Browser, REMOTE_PASSWORD, World, check, check_of, delta, keyframe, nomination};
use crate::exchange::*;
use crate::ice::agent::WITHHELD;
use crate::ice::bindings::Side;
use crate::ids::Medium;
use crate::wire::codecs::Codec;
use crate::wire::stun;

const VICTIM: ([u8; 4], u16) = ([203, 0, 113, 77], 40_000);

fn at(browser: &Browser, (host, port): ([u8; 4], u16)) -> Path {
    Path::udp((host, port).into(), browser.path.local)
}

/// Bob films for so many seconds; the bytes that went to the path meanwhile.
fn film(world: &mut World, bob: &mut Browser, seconds: u16, path: Path) -> usize {
    let mut sent = 0;
    for number in 0..seconds * 10 {
        let mut payload = if number == 0 { keyframe(number) } else { delta(number) }.to_vec();
        payload.resize(1_000, 0);
        world.send(bob, Medium::Camera, 9_000 * u32::from(number), &payload);
        world.pass(100);
        sent += world.sent_to(path);
        world.clear();
    }
    sent
}

/// The latest question to the path, with the answer that its receiver gives.
fn answer_at(world: &World, path: Path, password: &[u8]) -> Option<Vec<u8>> {
    let asked = world.out.items().iter().rev().filter(|item| item.path == path);
    let question =
        asked.filter_map(|item| stun::Message::parse(world.out.bytes(item))).find(|found| !found.is_answer)?;
    let mut answer = Vec::new();
    question.respond(path.remote, &stun::integrity_key(password), &mut answer);
    Some(answer)
}

/// Whether more goes there than what comes from there allows.
fn is_validated(world: &mut World, path: Path) -> bool {
    world.clear();
    world.order(Command::SendDtls { peer: 1, datagram: vec![22; 1_400] });
    world.sent_to(path) == 1_400
}

#[test]
fn a_bystander_gets_less_than_three_times_what_was_sent_in_its_name() {
    let mut world = World::new();
    let (ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    let victim = at(&ann, VICTIM);
    world.deaf.push(victim);
    let mut forged = nomination("ufrag1", 1);
    let most = 3 * forged.len();
    world.exchange.receive(&mut forged, victim, world.now, &mut world.out);
    let sent = world.sent_to(victim);
    world.clear();
    let sent = sent + film(&mut world, &mut bob, 75, victim);
    assert!(0 < sent && sent <= most, "{sent} of {most}");
    assert!(film(&mut world, &mut bob, 1, ann.path) > 9_000, "her media goes on to where she answers");
}

#[test]
fn nor_does_it_when_nobody_answers_anywhere_and_then_it_ends() {
    let mut world = World::new();
    let (ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    let victim = at(&ann, VICTIM);
    world.deaf.extend([victim, ann.path]);
    let mut received = 0;
    for number in 0..4 {
        let mut forged = nomination("ufrag1", number);
        received += forged.len();
        world.exchange.receive(&mut forged, victim, world.now, &mut world.out);
        world.pass(1);
    }
    let sent = world.sent_to(victim);
    world.clear();
    // Consent of the address that answered once runs out; what was sent in the victim's name does not renew it.
    let sent = sent + film(&mut world, &mut bob, 32, victim);
    assert!(sent <= 3 * received, "{sent} of {received}");
    assert!(world.exchange.take_events().contains(&Event::FlowLost(1)));
    assert_eq!(film(&mut world, &mut bob, 30, victim), 0);
    assert_eq!(film(&mut world, &mut bob, 1, ann.path), 0);
}

#[test]
fn a_handshake_fits_into_what_a_hello_allows() {
    let mut world = World::new();
    let path = Path::udp(VICTIM.into(), [198, 51, 100, 1].into());
    let local = Side { ufrag: b"eve".to_vec(), password: b"pppppppppppppppppppppp".to_vec() };
    let remote = Side { ufrag: b"them".to_vec(), password: REMOTE_PASSWORD.to_vec() };
    world.order(Command::Admit { peer: 9, local, remote });
    world.exchange.receive(&mut check("eve"), path, world.now, &mut world.out);
    assert_eq!(world.exchange.take_events(), [Event::FlowSelected(9, path)], "DTLS may begin at once");
    let before = world.sent_to(path);
    world.order(Command::SendDtls { peer: 9, datagram: vec![22; 1_100] });
    assert_eq!(world.sent_to(path), before);
    // Only from there it counts, not what a datagram of somebody else says.
    world.exchange.receive(
        &mut [22; 1_900],
        Path::udp(([192, 0, 2, 1], 1).into(), path.local),
        world.now,
        &mut world.out,
    );
    world.order(Command::SendDtls { peer: 9, datagram: vec![22; 1_100] });
    assert_eq!(world.sent_to(path), before);
    world.exchange.receive(&mut [22; 1_900], path, world.now, &mut world.out);
    world.clear();
    for _ in 0..10 {
        world.order(Command::SendDtls { peer: 9, datagram: vec![22; 1_100] });
    }
    let sent = world.sent_to(path);
    assert!((4_400..=5_700 + 300).contains(&sent), "{sent}");
}

#[test]
fn a_flight_that_must_wait_for_the_answer_goes_out_with_it() {
    let mut world = World::new();
    let (ann, _) = world.admit(1, 96, Codec::Vp8);
    world.exchange.receive(&mut check("ufrag1"), ann.path, world.now, &mut world.out);
    let before = world.sent_to(ann.path);
    for number in 0..=WITHHELD {
        world.order(Command::SendDtls { peer: 1, datagram: vec![22 + number as u8; 1_100] });
    }
    assert_eq!(world.sent_to(ann.path), before);
    assert_eq!(world.exchange.totals.drops.get(Reason::PathUnvalidated), 1, "the last is one too many");
    world.answer();
    let flight = || world.out.items().iter().map(|item| world.out.bytes(item)[0]).filter(|first| *first >= 22);
    assert_eq!(flight().collect::<Vec<_>>(), (22..30).collect::<Vec<_>>());
    world.pass(7_000);
    let flight = || world.out.items().iter().map(|item| world.out.bytes(item)[0]).filter(|first| *first >= 22);
    assert_eq!(flight().count(), WITHHELD, "once");
}

#[test]
fn who_moves_is_sent_what_the_limit_allows_at_once_and_everything_with_the_answer() {
    let mut world = World::new();
    let (mut ann, mut bob) = (world.join(1, 96), world.join(2, 40));
    world.show(&ann, Some(&bob));
    let (home, away) = (ann.path, at(&ann, ([192, 0, 2, 200], 5_000)));
    world.deaf.extend([home, away]);
    world.exchange.receive(&mut nomination("ufrag1", 1), away, world.now, &mut world.out);
    assert_eq!(world.exchange.take_events(), [Event::FlowSelected(1, away)]);
    // She sends from there as much as she gets: nothing waits for the answer.
    ann.path = away;
    for number in 0..50 {
        world.send(&mut ann, Medium::Microphone, 960 * number, &[7; 1_000]);
    }
    assert!(film(&mut world, &mut bob, 5, away) > 49_000);
    world.exchange.receive(&mut nomination("ufrag1", 2), away, world.now, &mut world.out);
    world.deaf.clear();
    world.pass(1_100);
    assert!(film(&mut world, &mut bob, 60, away) > 590_000);
    assert_eq!(world.exchange.totals.drops.get(Reason::PathUnvalidated), 0);
}

#[test]
fn a_question_that_got_lost_is_asked_again_within_the_limit() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let away = at(&ann, ([192, 0, 2, 200], 5_000));
    world.deaf.push(away);
    world.exchange.receive(&mut nomination("ufrag1", 1), away, world.now, &mut world.out);
    world.clear();
    world.pass(200);
    let mut answer = answer_at(&world, away, REMOTE_PASSWORD).unwrap();
    world.exchange.receive(&mut answer, away, world.now, &mut world.out);
    assert!(is_validated(&mut world, away));
}

#[test]
fn only_the_receiver_s_own_answer_counts() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let (away, elsewhere) = (at(&ann, ([192, 0, 2, 200], 5_000)), at(&ann, ([192, 0, 2, 201], 5_000)));
    world.deaf.extend([away, elsewhere]);
    for (number, path) in [(1, elsewhere), (2, away)] {
        world.exchange.receive(&mut nomination("ufrag1", number), path, world.now, &mut world.out);
    }
    let drops = |world: &World, reason| world.exchange.totals.drops.get(reason);
    let right = answer_at(&world, away, REMOTE_PASSWORD).unwrap();
    let mut guessed = right.clone();
    guessed[8] ^= 1;
    let stranger = at(&ann, ([192, 0, 2, 202], 5_000));
    for (mut answer, path, reason) in [
        (right.clone(), elsewhere, Reason::StunUnasked),
        (right.clone(), stranger, Reason::StunUnasked),
        (answer_at(&world, away, b"another").unwrap(), away, Reason::StunBadIntegrity),
        (guessed, away, Reason::StunMalformed),
        (right[..right.len() - 8].to_vec(), away, Reason::StunMalformed),
    ] {
        let before = drops(&world, reason);
        world.exchange.receive(&mut answer, path, world.now, &mut world.out);
        assert_eq!(drops(&world, reason), before + 1);
        assert!(!is_validated(&mut world, away));
    }
    world.exchange.receive(&mut right.clone(), away, world.now, &mut world.out);
    assert!(is_validated(&mut world, away));
    // Nor does it count twice.
    world.exchange.receive(&mut right.clone(), away, world.now, &mut world.out);
    assert_eq!(drops(&world, Reason::StunUnasked), 3);
}

#[test]
fn a_connection_that_closes_gives_media_to_the_path_that_answered_last() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let (other, never) = (at(&ann, ([192, 0, 2, 200], 5_000)), at(&ann, VICTIM));
    let tcp = Path::tcp(([192, 0, 2, 1], 9_000).into(), ann.path.local);
    world.deaf.push(never);
    for (number, path) in [(1, other), (2, tcp)] {
        world.exchange.receive(&mut nomination("ufrag1", number), path, world.now, &mut world.out);
        world.answer();
        assert_eq!(world.exchange.take_events(), [Event::FlowSelected(1, path)], "the handshake of TCP is an answer");
    }
    // Nobody answers where she checked last, and she answered at home before she did elsewhere.
    world.exchange.receive(&mut check_of("ufrag1", "them", [3; 12], &[]), never, world.now, &mut world.out);
    world.exchange.forget(&tcp, world.now);
    assert_eq!(world.exchange.take_events(), [Event::FlowSelected(1, other)]);
    assert!(is_validated(&mut world, other));
}

#[test]
fn what_is_beyond_the_limit_goes_to_where_she_answered_last() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let (other, never) = (at(&ann, ([192, 0, 2, 200], 5_000)), at(&ann, VICTIM));
    world.deaf.push(never);
    for (number, path) in [(1, other), (2, never)] {
        world.exchange.receive(&mut nomination("ufrag1", number), path, world.now, &mut world.out);
        world.answer();
    }
    world.clear();
    world.order(Command::SendDtls { peer: 1, datagram: vec![22; 1_400] });
    assert_eq!([other, never, ann.path].map(|path| world.sent_to(path)), [1_400, 0, 0]);
}

/// Bytes that the path was sent, and events, since the last time.
fn toll(world: &mut World, path: Path) -> (usize, usize) {
    let toll = (world.sent_to(path), world.exchange.take_events().len());
    world.clear();
    toll
}

#[test]
fn who_checks_in_a_storm_is_answered_and_moves_only_so_often() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let (home, away) = (ann.path, at(&ann, ([192, 0, 2, 200], 5_000)));
    world.pass(1_000);
    world.clear();
    let mut moved = 0;
    for number in 0..2_000_u16 {
        let [high, low] = number.to_be_bytes();
        let transaction = [high, low, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
        let mut check = check_of("ufrag1", "them", transaction, &[0, 0x25, 0, 0]);
        world.exchange.receive(&mut check, if number % 2 == 0 { home } else { away }, world.now, &mut world.out);
        moved += world.exchange.take_events().len();
    }
    assert!((199..=200).contains(&moved), "{moved}");
    let answers = world.out.items().iter().filter_map(|item| stun::Message::parse(world.out.bytes(item)));
    assert_eq!(answers.filter(|message| message.is_answer).count(), 200);
    assert_eq!(world.exchange.totals.drops.get(Reason::Flooded), 1_800);
    world.answer();
    world.clear();
    world.pass(1_000);
    world.clear();
    world.exchange.receive(&mut nomination("ufrag1", 1), home, world.now, &mut world.out);
    assert!(toll(&mut world, home).0 > 0, "calm again");
}

#[test]
fn a_check_that_comes_again_is_answered_seven_times_and_changes_nothing() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let (home, away) = (ann.path, at(&ann, ([192, 0, 2, 200], 5_000)));
    let (there, back) = (nomination("ufrag1", 1), nomination("ufrag1", 2));
    world.exchange.receive(&mut there.clone(), away, world.now, &mut world.out);
    world.exchange.receive(&mut back.clone(), home, world.now, &mut world.out);
    world.answer();
    toll(&mut world, away);
    for answers in [6, 0] {
        let mut got = 0;
        for _ in 0..6 {
            world.exchange.receive(&mut there.clone(), away, world.now, &mut world.out);
            let (bytes, events) = toll(&mut world, away);
            assert_eq!(events, 0);
            got += usize::from(bytes > 0);
        }
        assert_eq!(got, answers);
    }
    assert_eq!(world.exchange.table.flow(1), Some(home));
    // Anyone who plays them again in her name takes no checks from her.
    for _ in 0..1_000 {
        world.exchange.receive(&mut back.clone(), home, world.now, &mut world.out);
    }
    world.exchange.receive(&mut nomination("ufrag1", 3), away, world.now, &mut world.out);
    assert_eq!(world.exchange.take_events(), [Event::FlowSelected(1, away)]);
}

#[test]
fn a_check_that_comes_again_by_another_path_is_refused_there() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let away = at(&ann, ([192, 0, 2, 200], 5_000));
    let recorded = nomination("ufrag1", 1);
    world.exchange.receive(&mut recorded.clone(), away, world.now, &mut world.out);
    world.answer();
    toll(&mut world, away);
    // Neither where she is known already nor where nobody is.
    for path in [ann.path, at(&ann, VICTIM)] {
        world.exchange.receive(&mut recorded.clone(), path, world.now, &mut world.out);
        assert_eq!(toll(&mut world, path), (0, 0));
    }
    assert_eq!(world.exchange.totals.drops.get(Reason::StunReplayed), 2);
    assert!(!world.exchange.is_owned(&at(&ann, VICTIM)));
}

#[test]
fn of_many_connections_those_are_let_go_that_were_checked_longest_ago_and_no_other_path() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let tcp = |port: u16| Path::tcp(([192, 0, 2, 1], port).into(), ann.path.local);
    world.exchange.receive(&mut nomination("ufrag1", 0), tcp(1), world.now, &mut world.out);
    for port in 2..=11_u16 {
        let mut check = check_of("ufrag1", "them", [port as u8 + 100; 12], &[]);
        world.exchange.receive(&mut check, tcp(port), world.now, &mut world.out);
    }
    let open: Vec<u16> = (1..=11).filter(|port| world.exchange.is_owned(&tcp(*port))).collect();
    assert_eq!(open, [1, 5, 6, 7, 8, 9, 10, 11], "the first is in use");
    assert!(world.exchange.is_owned(&ann.path));
}

#[test]
fn of_many_addresses_sixteen_are_known() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let path = |port: u16| at(&ann, ([192, 0, 2, 1], port));
    for port in 1..=20_u16 {
        let mut check = check_of("ufrag1", "them", [port as u8 + 100; 12], &[]);
        world.exchange.receive(&mut check, path(port), world.now, &mut world.out);
    }
    let known: Vec<u16> = (1..=20).filter(|port| world.exchange.is_owned(&path(*port))).collect();
    assert_eq!(known, (6..=20).collect::<Vec<_>>());
    assert!(world.exchange.is_owned(&ann.path), "it is in use");
}

#[test]
fn who_checks_again_where_nobody_answers_is_answered_each_time() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let away = at(&ann, ([192, 0, 2, 200], 5_000));
    world.deaf.push(away);
    let check = nomination("ufrag1", 1);
    for _ in 0..7 {
        world.exchange.receive(&mut check.clone(), away, world.now, &mut world.out);
        assert!(toll(&mut world, away).0 >= 64, "what comes again allows an answer as well");
    }
}

#[test]
fn who_restarts_is_asked_with_the_credentials_that_it_checks_with() {
    let mut world = World::new();
    let ann = world.join(1, 96);
    let away = at(&ann, ([192, 0, 2, 200], 5_000));
    world.deaf.push(away);
    // Already with its own new ones, and still with our old ones: the answer to its offer is on its way.
    let mut check = check_of("ufrag1", "anew", [1; 12], &[0, 0x25, 0, 0]);
    let local = Side { ufrag: b"again".to_vec(), password: b"pppppppppppppppppppppp".to_vec() };
    let remote = Side { ufrag: b"anew".to_vec(), password: b"another password, 22 +".to_vec() };
    world.order(Command::Admit { peer: 1, local, remote });
    world.exchange.receive(&mut check, away, world.now, &mut world.out);
    let asked = world.out.items().iter().filter(|item| item.path == away);
    let names: Vec<&[u8]> = asked
        .filter_map(|item| stun::Message::parse(world.out.bytes(item)))
        .filter(|message| !message.is_answer)
        .flat_map(|question| [question.local_ufrag(), question.remote_ufrag()])
        .collect();
    assert_eq!(names, [&b"anew"[..], b"ufrag1"]);
    let mut answer = answer_at(&world, away, b"another password, 22 +").unwrap();
    world.exchange.receive(&mut answer, away, world.now, &mut world.out);
    assert!(is_validated(&mut world, away));
}
