//! Who is paired moves into one shard, and nothing of theirs is lost or repeated.

use super::world::{Core, Thread, heard};
use crate::counters::Reason;
use crate::exchange::tests::world::{Browser, delta, keyframe};
use crate::exchange::{Command, Event, PeerSetup};
use crate::forward::line::{ExtensionIds, LineSetup, NumberedCodec};
use crate::forward::slot::SlotSetup;
use crate::ids::{LineId, Medium, PeerId, SlotId};
use crate::path::{Path, Transport};
use crate::threads::directory::Place;
use crate::turn::Client;
use crate::wire::codecs::Codec;
use crate::wire::rtcp;
use crate::wire::turn::Method;
use crate::wire::turn::client::{Attribute, Signer, read, request};

const THREADS: usize = 2;

/// Generic NACK (RFC 4585 section 6.2.1).
const NACK: (u8, u8) = (205, 1);

/// In which shard the browser is.
fn place(core: &Core, thread: &mut Thread, id: PeerId) -> Place {
    let places = core.ordered.as_they_stand().places();
    let knows = |place: &Place| {
        let shards = core.ordered.as_they_stand();
        thread.bench(core, |bench| shards.with(*place, bench, |exchange, _| exchange.knows(id))).unwrap()
    };
    let found: Vec<Place> = places.filter(knows).collect();
    assert_eq!(found.len(), 1, "{id} is in {found:?}");
    found[0]
}

/// Four people in as many shards, of whom two are shown to each other.
fn paired() -> (Core, Thread, [Browser; 4]) {
    let (core, mut thread) = (Core::new(THREADS), Thread::new());
    let browsers = [1, 2, 3, 4].map(|id| thread.join(&core, id, if id % 2 == 0 { 40 } else { 96 }));
    let places = [1, 2, 3, 4].map(|id| place(&core, &mut thread, id));
    assert_eq!(places, [0, 1, 2, 3], "the fewest are where nobody is");
    pair(&core, &mut thread, 1, 2);
    // Requests for keyframes.
    thread.out.clear();
    (core, thread, browsers)
}

fn pair(core: &Core, thread: &mut Thread, one: PeerId, other: PeerId) {
    core.show(one, Some(other));
    core.show(other, Some(one));
    thread.lead(core, 0, THREADS);
    assert_eq!(place(core, thread, one), place(core, thread, other));
}

fn part(core: &Core, thread: &mut Thread, one: PeerId, other: PeerId) {
    core.show(one, None);
    core.show(other, None);
    thread.lead(core, 0, THREADS);
}

#[test]
fn who_is_paired_anew_takes_keys_streams_and_replay_windows_along() {
    let (core, mut thread, [mut ann, mut bob, mut cat, mut dan]) = paired();
    let mut replayed = Vec::new();
    for time in 0..5 {
        let packet = bob.packet(Medium::Microphone, 960 * time, b"sound");
        replayed.push(packet.clone());
        thread.receive(&core, &mut [(packet, bob.path)]);
    }
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    let first = heard(&ann, Medium::Microphone);
    assert_eq!(first.len(), 5);
    part(&core, &mut thread, 1, 2);
    pair(&core, &mut thread, 3, 4);
    // Ann goes to Cat's pair, and leaves the shard in which she was.
    part(&core, &mut thread, 3, 4);
    pair(&core, &mut thread, 1, 3);
    pair(&core, &mut thread, 2, 4);
    for time in 5..10 {
        thread.send(&core, &mut cat, Medium::Microphone, 960 * time, b"sound");
        thread.send(&core, &mut dan, Medium::Microphone, 960 * time, b"sound");
        thread.send(&core, &mut bob, Medium::Microphone, 960 * time, b"sound");
    }
    thread.deliver_to(&core, &mut [&mut ann, &mut bob, &mut cat, &mut dan]);
    // One stream goes on as if there had always been one partner; `take` has refused what was sealed twice.
    let all = heard(&ann, Medium::Microphone);
    assert_eq!(all.len(), 10);
    assert!(all.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "{all:?}");
    assert_eq!((heard(&dan, Medium::Microphone).len(), heard(&bob, Medium::Microphone).len()), (5, 5));
    assert_eq!(core.dropped(), []);
    // What Bob sent before he moved is not taken once more.
    for packet in replayed {
        thread.receive(&core, &mut [(packet, bob.path)]);
    }
    assert_eq!(core.dropped(), [(Reason::SrtpRejected, 5)]);
}

#[test]
fn what_was_sent_before_the_move_is_retransmitted_after_it() {
    let (core, mut thread, [mut ann, mut bob, cat, _]) = paired();
    thread.send(&core, &mut bob, Medium::Camera, 0, &keyframe(0));
    for frame in 1..5 {
        core.pass(33);
        thread.send(&core, &mut bob, Medium::Camera, 3_000 * u32::from(frame), &delta(frame));
    }
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    let lost = ann.media[2].clone();
    // Bob and Ann are two: Cat comes to them. Then both go to a company of three.
    pair(&core, &mut thread, 3, 4);
    let before = place(&core, &mut thread, 1);
    core.show(5, None);
    let third = core.admit(5, 96);
    let slot = SlotId { peer: third.id, seat: 0, medium: Medium::Microphone };
    let microphone = LineId { peer: cat.id, medium: Medium::Microphone };
    core.order(Command::Route { slot, source: Some(microphone) });
    let slot = SlotId { peer: 2, seat: 0, medium: Medium::Microphone };
    core.order(Command::Route { slot, source: Some(microphone) });
    thread.lead(&core, 0, THREADS);
    assert_ne!(place(&core, &mut thread, 1), before);
    let mut nack = Vec::new();
    rtcp::write_nack(1, ann.slot(Medium::Camera), &[lost.0.sequence], &mut nack);
    ann.outbound.seal_rtcp(&mut nack, 0).unwrap();
    thread.receive(&core, &mut [(nack, ann.path)]);
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    let (header, packet) = ann.media.last().unwrap();
    assert_eq!(header.ssrc, ann.slot(Medium::Camera) + 100);
    assert_eq!(&packet[header.payload + 2..], &lost.1[lost.0.payload..]);
}

#[test]
fn what_is_missing_is_asked_for_in_the_rounds_of_the_new_shard() {
    let (core, mut thread, [mut ann, mut bob, _, _]) = paired();
    thread.send(&core, &mut bob, Medium::Camera, 0, &keyframe(0));
    bob.packet(Medium::Camera, 3_000, &delta(1));
    thread.send(&core, &mut bob, Medium::Camera, 6_000, &delta(2));
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    bob.feedback.clear();
    // There are more of the others, so that these two move.
    pair(&core, &mut thread, 3, 4);
    thread.join(&core, 5, 40);
    core.show(5, Some(3));
    let before = place(&core, &mut thread, 2);
    core.show(2, Some(3));
    for _ in 0..40 {
        core.pass(10);
        (0..THREADS).for_each(|number| thread.lead(&core, number, THREADS));
    }
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    assert_eq!(place(&core, &mut thread, 2), place(&core, &mut thread, 3));
    assert_ne!(place(&core, &mut thread, 2), before);
    let kinds = bob.kinds();
    assert!(kinds.contains(&NACK), "{kinds:?}");
}

#[test]
fn a_transcoder_comes_to_those_whom_it_serves() {
    const TRANSCODER: PeerId = 1 << 48;
    let (core, mut thread, [mut ann, mut bob, ..]) = paired();
    let (mid, extensions) = (Vec::new(), ExtensionIds::default());
    let numbered = |payload_type| vec![NumberedCodec { codec: Codec::Vp8, payload_type, rtx_payload_type: None }];
    let (medium, ssrc) = (Medium::Camera, Some(70));
    let line = LineSetup { medium, mid: mid.clone(), ssrc, rtx_ssrc: None, codecs: numbered(98), extensions };
    let slot = SlotSetup { seat: 0, medium, mid, ssrc: 80, rtx_ssrc: 81, codecs: numbered(96), extensions };
    let setup = PeerSetup { lines: vec![line], slots: vec![slot], bitrate: 2_500_000 };
    core.order(Command::OpenTranscoder { peer: TRANSCODER, setup });
    let source = Some(LineId { peer: 2, medium });
    core.order(Command::Route { slot: SlotId { peer: TRANSCODER, seat: 0, medium }, source });
    let source = Some(LineId { peer: TRANSCODER, medium });
    core.order(Command::Route { slot: SlotId { peer: 1, seat: 0, medium }, source });
    thread.lead(&core, 0, THREADS);
    let home = place(&core, &mut thread, 1);
    assert_eq!([2, TRANSCODER].map(|id| place(&core, &mut thread, id)), [home, home]);
    // The pair is shown to others, and it goes along.
    pair(&core, &mut thread, 3, 4);
    thread.send(&core, &mut bob, medium, 0, &keyframe(0));
    thread.bench(&core, |bench| bench.events.tell_transcoders(bench.out, bench.totals));
    assert!(thread.inside.try_iter().any(|(peer, packet)| peer == TRANSCODER && super::world::is_media(&packet)));
    core.order(Command::Close { peer: TRANSCODER });
    core.order(Command::Release { peer: TRANSCODER });
    core.order(Command::Route { slot: SlotId { peer: 1, seat: 0, medium }, source: Some(LineId { peer: 2, medium }) });
    thread.send(&core, &mut bob, medium, 3_000, &keyframe(1));
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    assert_eq!(heard(&ann, medium).len(), 1);
}

#[test]
fn a_path_that_somebody_in_another_shard_shows_is_held_for_fifteen_seconds() {
    let (core, mut thread, [ann, mut bob, mut cat, mut dan]) = paired();
    core.pass(14_000);
    thread.receive(&core, &mut [(core.check(3), ann.path)]);
    assert_eq!(core.dropped(), [(Reason::StunAddressHeld, 1)]);
    assert!(thread.out.items().is_empty(), "and there is no answer");
    core.pass(2_000);
    thread.receive(&core, &mut [(core.check(3), ann.path)]);
    assert!(!thread.out.items().is_empty());
    thread.out.clear();
    pair(&core, &mut thread, 3, 4);
    // What comes from there is Cat's now, and of Ann nothing comes from there.
    let packet = cat.packet(Medium::Microphone, 0, b"sound");
    thread.receive(&core, &mut [(packet, ann.path)]);
    thread.deliver(&core, |peer, _, datagram| {
        if peer == 4 && super::world::is_media(&datagram) {
            dan.take(&datagram);
        }
    });
    assert_eq!(heard(&dan, Medium::Microphone).len(), 1);
    bob.media.clear();
}

#[test]
fn what_was_looked_up_before_its_peer_moved_finds_it_all_the_same() {
    let (core, mut thread, [mut ann, mut bob, ..]) = paired();
    let shards = core.ordered.as_they_stand();
    let before = place(&core, &mut thread, 2);
    let mut packet = bob.packet(Medium::Microphone, 0, b"sound");
    let path = bob.path;
    // A thread has looked up where Bob is; then he moves, before it has taken his shard.
    let seen = shards.departures();
    pair(&core, &mut thread, 3, 4);
    core.show(3, Some(1));
    thread.lead(&core, 0, THREADS);
    assert_ne!(place(&core, &mut thread, 2), before);
    let astray = thread.bench(&core, |bench| shards.work_late(before, (&mut packet, path), seen, bench)).unwrap();
    assert!(astray, "it is looked up once more");
    assert_eq!(core.dropped(), []);
    thread.receive(&core, &mut [(packet, path)]);
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    assert_eq!(heard(&ann, Medium::Microphone).len(), 1);
}

#[test]
fn a_path_is_known_to_what_follows_its_first_check_in_the_same_batch() {
    let (core, mut thread) = (Core::new(THREADS), Thread::new());
    let mut ann = core.admit(1, 96);
    let mut bob = thread.join(&core, 2, 40);
    pair(&core, &mut thread, 1, 2);
    let sound: Vec<Vec<u8>> = (0..3).map(|time| ann.packet(Medium::Microphone, 960 * time, b"sound")).collect();
    let mut batch = vec![(core.check(1), ann.path)];
    batch.extend(sound.into_iter().map(|packet| (packet, ann.path)));
    thread.receive(&core, &mut batch);
    thread.deliver_to(&core, &mut [&mut ann, &mut bob]);
    assert_eq!(heard(&bob, Medium::Microphone).len(), 3);
    assert_eq!(core.dropped(), []);
}

#[test]
fn what_belongs_to_nobody_is_counted_as_ever() {
    let (core, mut thread) = (Core::new(THREADS), Thread::new());
    let ann = thread.join(&core, 1, 96);
    let stranger = Path::udp(([203, 0, 113, 9], 9).into(), [198, 51, 100, 1].into());
    let nonsense = [vec![], vec![250], vec![128, 0, 0], vec![22, 1], core.check(9), vec![0, 1, 0]];
    let mut batch: Vec<_> = nonsense.into_iter().map(|datagram| (datagram, stranger)).collect();
    batch.push((vec![255], ann.path));
    thread.receive(&core, &mut batch);
    assert_eq!(
        core.dropped(),
        [
            (Reason::Empty, 1),
            (Reason::UnknownProtocol, 2),
            (Reason::StunMalformed, 1),
            (Reason::StunUnknownUfrag, 1),
            (Reason::UnverifiedSource, 2),
        ]
    );
}

#[test]
fn a_path_inside_turn_leads_to_its_shard_and_ends_with_the_allocation() {
    const KEY: &[u8] = b"0123456789abcdef";
    let (core, mut thread, [..]) = paired();
    let ours: std::net::SocketAddr = "198.51.100.1:443".parse().unwrap();
    core.order(Command::AdmitTurn { username: b"ann".to_vec(), key: KEY.to_vec() });
    core.order(Command::TellTurnPeers { peers: vec![ours] });
    let client = Path::udp(([203, 0, 113, 7], 7_000).into(), [10, 0, 0, 1].into());
    let answer = |thread: &mut Thread, message: Vec<u8>| {
        thread.receive(&core, &mut [(message, client)]);
        let item = thread.out.items()[0];
        let bytes = thread.out.bytes(&item).to_vec();
        thread.out.clear();
        bytes
    };
    let asked = answer(&mut thread, request(Method::Allocate, &[0; 12], &[Attribute::Transport(17)], None));
    let nonce = read(&asked).nonce.unwrap();
    let signer = || Some(Signer { username: b"ann", nonce: &nonce, key: KEY });
    let granted = answer(&mut thread, request(Method::Allocate, &[1; 12], &[Attribute::Transport(17)], signer()));
    let relayed = read(&granted).relayed.unwrap();
    answer(&mut thread, request(Method::CreatePermission, &[2; 12], &[Attribute::Peer(ours)], signer()));
    thread.events();
    let path = Path { remote: relayed, local: ours.ip(), transport: Transport::TurnUdp };
    let check = core.check(3);
    let send = request(Method::Send, &[3; 12], &[Attribute::Peer(ours), Attribute::Data(&check)], None);
    thread.receive(&core, &mut [(send, client)]);
    assert!(thread.out.items().iter().any(|item| item.path == path), "{:?}", thread.out.items());
    thread.out.clear();
    let shards = core.ordered.as_they_stand();
    assert_eq!(thread.bench(&core, |bench| shards.is_owned(&path, bench)), Ok(true));
    // Over a connection the message comes by itself.
    let over_tls = Client { path: Path::tcp(client.remote, client.local), carrier: Transport::TurnTls };
    let taken = thread.bench(&core, |bench| core.ordered.receive_turn(&mut [1, 2, 3], over_tls, bench));
    assert_eq!(taken, Ok(false));
    core.order(Command::ReleaseTurn { username: b"ann".to_vec() });
    thread.lead(&core, 0, THREADS);
    assert_eq!(thread.bench(&core, |bench| shards.is_owned(&path, bench)), Ok(false));
    assert_eq!(thread.bench(&core, |bench| shards.has_allocation(&client, bench)), Ok(false));
}

#[test]
fn newcomers_go_to_the_shard_that_others_have_left() {
    let (core, mut thread, [..]) = paired();
    let home = place(&core, &mut thread, 1);
    let deserted = 1 - home;
    thread.join(&core, 5, 96);
    assert_eq!(place(&core, &mut thread, 5), deserted, "one went to the other's");
    core.order(Command::Close { peer: 3 });
    core.order(Command::Release { peer: 3 });
    thread.join(&core, 6, 96);
    assert_eq!(place(&core, &mut thread, 6), 2, "who was there has left");
}

#[test]
fn a_check_by_a_path_that_somebody_has_just_proved_is_looked_up_again() {
    let (core, mut thread, [..]) = paired();
    let shards = core.ordered.as_they_stand();
    let path = Path::udp(([203, 0, 113, 9], 9).into(), [198, 51, 100, 1].into());
    // A thread finds that nobody has the path. Before it has taken Cat's shard, Ann has proved it.
    let (mut check, seen) = (core.check(3), shards.departures());
    let ours = place(&core, &mut thread, 3);
    thread.receive(&core, &mut [(core.check(1), path)]);
    assert_eq!(shards.departures(), seen, "nobody has left");
    let astray = thread.bench(&core, |bench| shards.work_late(ours, (&mut check, path), seen, bench)).unwrap();
    assert!(astray, "it belongs to both their shards now");
}

#[test]
fn a_path_that_two_prove_at_once_stays_with_who_was_first() {
    let (core, mut thread, [ann, ..]) = paired();
    let shards = core.ordered.as_they_stand();
    let (theirs, ours) = (place(&core, &mut thread, 1), place(&core, &mut thread, 3));
    let is_owned = |thread: &mut Thread, place| {
        thread.bench(&core, |bench| shards.with(place, bench, |exchange, _| exchange.is_owned(&ann.path))).unwrap()
    };
    let mut check = core.check(3);
    thread
        .bench(&core, |bench| {
            shards.with(ours, bench, |exchange, bench| {
                exchange.receive(&mut check, ann.path, bench.now, bench.out);
                assert!(exchange.is_owned(&ann.path));
            })
        })
        .unwrap();
    assert_eq!((is_owned(&mut thread, theirs), is_owned(&mut thread, ours)), (true, false));
}

#[test]
fn whose_path_is_gone_goes_on_by_another_and_who_left_is_nowhere() {
    let (core, mut thread, [ann, ..]) = paired();
    let spare = Path::udp(([203, 0, 113, 8], 8).into(), [198, 51, 100, 1].into());
    thread.receive(&core, &mut [(core.check(1), spare)]);
    thread.events();
    let shards = core.ordered.as_they_stand();
    thread.bench(&core, |bench| shards.forget(&ann.path, bench)).unwrap();
    assert_eq!(thread.events(), [Event::FlowSelected(1, spare)]);
    for peer in 1..=4 {
        core.order(Command::Close { peer });
        core.order(Command::Release { peer });
    }
    thread.lead(&core, 0, THREADS);
    assert_eq!(shards.directory_size(), (0, 0));
    assert_eq!(shards.due(0, 1), None, "and nobody is woken for them");
    core.order(Command::SendDtls { peer: 1, datagram: vec![22] });
    thread.out.clear();
    thread.lead(&core, 0, THREADS);
    assert!(thread.out.items().is_empty());
}

#[test]
fn the_thread_that_runs_the_rounds_of_a_shard_is_woken_for_who_comes_into_it_first() {
    let (core, mut thread) = (Core::new(THREADS), Thread::new());
    assert_eq!([0, 1].map(|number| core.woke(number)), [false, false]);
    thread.join(&core, 1, 96);
    assert_eq!([0, 1].map(|number| core.woke(number)), [true, false]);
    thread.join(&core, 2, 40);
    assert_eq!([0, 1].map(|number| core.woke(number)), [false, true]);
    thread.receive(&core, &mut [(core.check(1), Path::inside())]);
    assert_eq!([0, 1].map(|number| core.woke(number)), [false, false]);
}
