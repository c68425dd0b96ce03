use std::collections::VecDeque;

use proptest::prelude::*;

use super::*;

const START: Time = Time::from_millis(10_000);
const MOST: u64 = 2_500_000;

/// Hundredths of a second until a sender follows.
const FOLLOWS: usize = 30;

/// Packets of 1,000 bytes with their headers.
fn arrival(expected: u64, lost: u64, round_trip: u64, sent: u64) -> Arrival {
    let with_others = (sent, sent * (1_000 - TUNING.header_bytes));
    Arrival { expected, lost, round_trip: Some(round_trip), sent: sent as u32, with_others }
}

/// A receiver behind a link of so many bits per second, with a queue that loses what waits for longer than 200 ms. It
/// reports once a second, and estimates as Chromium does, but never before it is asked. The sender needs a while to
/// follow.
struct World {
    downlink: Downlink,
    now: Time,
    sent: u64,
    queue: u64,
    lost: u64,
    since: (u64, u64),
    cap: Option<u64>,
    told: VecDeque<Option<u64>>,
}

impl World {
    fn new() -> Self {
        let mut downlink = Downlink::default();
        downlink.reported(arrival(0, 0, 100, 0), 0, START);
        Self {
            downlink,
            now: START,
            sent: 0,
            queue: 0,
            lost: 0,
            since: (0, 0),
            cap: None,
            told: VecDeque::from([None; FOLLOWS]),
        }
    }

    /// Let so many milliseconds pass. Gives what was sent and what was lost, in bits.
    fn pass(&mut self, millis: u64, wanted: u64, takes: u64) -> (u64, u64) {
        let (sent, lost) = (self.sent, self.lost);
        for _ in 0..millis / 10 {
            self.told.push_back(self.cap);
            let rate = self.told.pop_front().flatten().map_or(wanted, |cap| cap.min(wanted));
            self.now = self.now.plus_millis(10);
            self.sent += rate / 100;
            self.queue = (self.queue + rate / 100).saturating_sub(takes / 100);
            let fits = takes / 5;
            self.lost += self.queue.saturating_sub(fits);
            self.queue = self.queue.min(fits);
            if self.now.millis_since(START) % 1_000 == 0 {
                let (sent, lost) = (self.sent - self.since.0, self.lost - self.since.1);
                self.since = (self.sent, self.lost);
                let waits = 1_000 * self.queue / takes;
                let came = arrival(sent / 8_000, lost / 8_000, 100 + waits, self.sent / 8_000);
                self.downlink.reported(came, rate, self.now);
            }
            if self.now.millis_since(START) % 100 == 0 {
                self.downlink.estimated(if takes < wanted { takes * 7 / 10 } else { 2 * rate }, self.now);
                self.cap = self.downlink.cap(rate, MOST, self.now);
            }
        }
        (self.sent - sent, self.lost - lost)
    }
}

#[test]
fn a_free_link_caps_nobody() {
    let mut world = World::new();
    world.pass(20_000, 1_000_000, 10_000_000);
    assert_eq!(world.cap, None);
}

#[test]
fn a_sender_stays_below_a_narrow_link_hardly_loses_and_uses_most_of_it() {
    for takes in [300_000, 400_000, 700_000] {
        let mut world = World::new();
        world.pass(5_000, 1_000_000, 10_000_000);
        world.pass(5_000, 1_000_000, takes);
        let (sent, lost) = world.pass(30_000, 1_000_000, takes);
        assert!((takes * 30 * 7 / 10..takes * 30).contains(&sent), "{takes}: {}", sent / 30);
        assert!(lost * 50 < sent, "{takes}: {lost} of {sent}");
    }
}

#[test]
fn a_link_that_is_wide_again_is_used_again() {
    let mut world = World::new();
    world.pass(5_000, 1_000_000, 10_000_000);
    world.pass(30_000, 1_000_000, 400_000);
    world.pass(15_000, 1_000_000, 10_000_000);
    assert!(world.cap.is_none_or(|cap| cap > 800_000), "{:?}", world.cap);
    world.pass(10_000, 1_000_000, 10_000_000);
    assert_eq!(world.cap, None);
}

#[test]
fn a_cap_rises_slowly_around_what_the_link_took_and_fast_elsewhere() {
    let (mut now, mut passed) = (START, Vec::new());
    let (lowered_at, calm_since, faster_since, risen_at) = (now, now, now, now);
    let mut ceiling = Ceiling { bitrate: 250_000, takes: 400_000, lowered_at, calm_since, faster_since, risen_at };
    for below in [360_000, 460_000, 1_000_000] {
        let since = now;
        while ceiling.bitrate < below {
            now = now.plus_millis(100);
            ceiling.rise(ceiling.phase(now), 15, now);
        }
        passed.push(now.millis_since(since) / 1_000);
    }
    assert_eq!(passed, [4, 8, 5]);
}

#[test]
fn a_link_goes_through_its_phases() {
    let mut world = World::new();
    let mut phases = vec![world.downlink.phase(world.now)];
    let mut follow = |world: &mut World, seconds: u64, takes| {
        for _ in 0..10 * seconds {
            world.pass(100, 1_000_000, takes);
            let phase = world.downlink.phase(world.now);
            if phases.last() != Some(&phase) {
                phases.push(phase);
            }
        }
        std::mem::take(&mut phases)
    };
    assert_eq!(follow(&mut world, 5, 10_000_000), [Phase::Free]);
    let narrow = follow(&mut world, 20, 400_000);
    assert_eq!(narrow[..4], [Phase::Suspected, Phase::Held, Phase::Far, Phase::Near], "{narrow:?}");
    let wide = follow(&mut world, 30, 10_000_000);
    assert!(wide.contains(&Phase::Far) && wide.last() == Some(&Phase::Free), "{wide:?}");
}

#[test]
fn a_link_that_always_loses_some_is_not_full() {
    let mut downlink = Downlink::default();
    for second in 0..60 {
        let now = START.plus_millis(1_000 * second);
        // A tenth on average, unevenly.
        let lost = [10, 17, 11, 14][second as usize % 4];
        downlink.reported(arrival(125, lost, 100, 125 * second), 1_000_000, now);
        downlink.estimated(1_450_000, now);
        assert_eq!(downlink.cap(1_000_000, MOST, now), None);
    }
    assert!(downlink.is_lossy());
}

#[test]
fn loss_is_averaged_over_about_eight_windows() {
    let mut downlink = Downlink::default();
    downlink.reported(arrival(0, 0, 100, 0), 1_000_000, START);
    let mut loss = |second: u64, lost: u64| {
        downlink.reported(arrival(100, lost, 100, 100 * second), 1_000_000, START.plus_millis(1_000 * second));
        (downlink.loss(), downlink.is_lossy())
    };
    // A fifth is 51 of 255, in sixteenths.
    assert_eq!([1, 2, 3].map(|second| loss(second, 20)), [(102, true), (191, true), (269, true)]);
    assert_eq!((4..20).map(|second| loss(second, 0)).find(|(_, lossy)| !lossy), Some((39, false)));
}

#[test]
fn what_a_receiver_says_came_is_twice_what_was_sent_at_most() {
    for (said, rate) in [(50, 400_000), (100, 800_000), (150, 1_200_000), (200, 1_600_000), (100_000, 1_600_000)] {
        let mut window = Window::default();
        assert_eq!(window.add(&arrival(0, 0, 100, 0), START), None);
        // A hundred packets in a second.
        assert_eq!(window.add(&arrival(said, 0, 100, 100), START.plus_millis(1_000)), Some((0, rate)));
    }
}

#[test]
fn a_cap_that_is_lowered_does_not_rise() {
    let (lowered_at, calm_since, faster_since, risen_at) = (START, START, START, START);
    for (before, after) in [(300_000, 300_000), (900_000, 700_000)] {
        let ceiling = Ceiling { bitrate: before, takes: 400_000, lowered_at, calm_since, faster_since, risen_at };
        let mut downlink = Downlink { ceiling: Some(ceiling), arrived: Some(800_000), ..Downlink::default() };
        // Of what came, 75 thousandths for the queue, and 50 to spare.
        downlink.lower(1_000_000, START);
        assert_eq!(downlink.cap(1_000_000, MOST, START), Some(after));
    }
}

#[test]
fn an_estimate_close_to_what_is_delivered_is_no_reason_by_itself() {
    let mut downlink = Downlink::default();
    for tenth in 0..100 {
        let now = START.plus_millis(100 * tenth);
        downlink.estimated(1_000_000, now);
        assert_eq!(downlink.cap(1_000_000, MOST, now), None);
    }
}

#[test]
fn packets_that_wait_or_get_lost_are_a_reason_once_the_estimate_has_stayed_low() {
    for (lost, round_trip, before) in [(15, 140, 280_000), (15, 100, 560_000), (0, 180, 280_000)] {
        let mut downlink = Downlink::default();
        downlink.estimated(before, START);
        downlink.reported(arrival(0, 0, 100, 0), 1_000_000, START);
        downlink.reported(arrival(125, lost, round_trip, 125), 1_000_000, START.plus_millis(1_000));
        downlink.estimated(280_000, START.plus_millis(1_000));
        assert_eq!(downlink.cap(1_000_000, MOST, START.plus_millis(1_000)), None);
        let cap = downlink.cap(1_000_000, MOST, START.plus_millis(1_000 + TUNING.stays_ms));
        assert!(cap.is_some_and(|cap| (700_000..900_000).contains(&cap)), "{cap:?}");
    }
}

#[test]
fn losses_that_begin_are_no_reason_without_a_queue_or_a_falling_estimate() {
    for (before, capped) in [(280_000, false), (560_000, true)] {
        let mut downlink = Downlink::default();
        downlink.estimated(before, START);
        downlink.reported(arrival(0, 0, 100, 0), 1_000_000, START);
        downlink.reported(arrival(125, 15, 100, 125), 1_000_000, START.plus_millis(1_000));
        downlink.estimated(280_000, START.plus_millis(1_000));
        downlink.cap(1_000_000, MOST, START.plus_millis(1_000));
        assert_eq!(downlink.cap(1_000_000, MOST, START.plus_millis(1_000 + TUNING.stays_ms)).is_some(), capped);
    }
}

#[test]
fn what_a_full_link_takes_is_averaged_and_a_cap_is_a_quarter_above_it_at_most() {
    let (lowered_at, calm_since, faster_since, risen_at) = (START, START, START, START);
    let mut ceiling = Ceiling { bitrate: 1_000_000, takes: 400_000, lowered_at, calm_since, faster_since, risen_at };
    let stopped = [600_000, 100_000, 0, 0].map(|came| {
        ceiling.filled(came);
        (ceiling.takes, ceiling.bitrate)
    });
    // Reports cut time unevenly: what came may be more than what it takes on average.
    assert_eq!(stopped, [(500_000, 750_000), (300_000, 375_000), (150_000, 187_500), (75_000, TUNING.least_bps)]);
}

#[test]
fn heavy_loss_with_a_long_queue_needs_no_estimate() {
    let mut downlink = Downlink::default();
    downlink.reported(arrival(0, 0, 100, 0), 1_000_000, START);
    let now = START.plus_millis(1_000);
    // A few that were lost, reported with a complaint, are no reason yet.
    downlink.reported(arrival(10, 10, 300, 100), 1_000_000, START.plus_millis(400));
    assert_eq!(downlink.cap(1_000_000, MOST, now), None);
    downlink.reported(arrival(90, 40, 300, 100), 1_000_000, now);
    // Half of 800 kbit/s came, 200 ms of which wait.
    assert_eq!(downlink.cap(1_000_000, MOST, now), Some(300_800));
    assert!(downlink.take_spoilt());
    assert!(!downlink.take_spoilt());
}

#[test]
fn who_estimates_nothing_at_all_is_sent_the_least_and_then_more_again() {
    let mut downlink = Downlink::default();
    downlink.reported(arrival(0, 0, 100, 0), 1_000_000, START);
    let mut now = START.plus_millis(1_000);
    downlink.estimated(1_000_000, now);
    downlink.reported(arrival(100, 50, 300, 100), 1_000_000, now);
    assert!(downlink.cap(1_000_000, MOST, now).is_some_and(|cap| cap > TUNING.least_bps));
    downlink.estimated(0, now);
    assert_eq!(downlink.cap(1_000_000, MOST, now), Some(TUNING.least_bps));
    // Of nothing a share would be nothing for good.
    let mut caps = Vec::new();
    for _ in 0..30 {
        now = now.plus_millis(1_000);
        downlink.took(100, now);
        caps.push(downlink.cap(TUNING.least_bps, MOST, now));
    }
    assert!(caps[10] > Some(TUNING.least_bps) && caps[29].is_none_or(|cap| cap > 1_000_000), "{caps:?}");
}

#[test]
fn a_switch_forgets_the_last_partner_s_cap() {
    let mut world = World::new();
    world.pass(10_000, 1_000_000, 400_000);
    assert!(world.cap.is_some());
    world.downlink.switch();
    assert_eq!(world.downlink.cap(1_000_000, MOST, world.now), None);
}

#[test]
fn a_link_that_became_longer_is_not_full_for_good() {
    let mut downlink = Downlink::default();
    downlink.took(20, START);
    downlink.took(150, START);
    // However many reports tell.
    for _ in 0..1_000 {
        downlink.took(150, START.plus_millis(10));
    }
    assert!(downlink.is_full());
    for second in 0..60 {
        downlink.took(150, START.plus_millis(1_000 * second));
    }
    assert!(!downlink.is_full());
}

#[test]
fn a_sender_is_told_at_once_then_five_times_a_second_and_once_at_the_end() {
    let mut cap = Cap::default();
    let told: Vec<u64> = (0..2_000)
        .filter(|now| {
            let bitrate = (500..1_000).contains(now).then_some(300_000);
            cap.changed(bitrate, Time::from_millis(*now))
        })
        .collect();
    assert_eq!(told, [500, 700, 900, 1_000]);
}

proptest! {
    /// Whatever receivers claim: a cap is never below the least, and never above what a sender may send anyway.
    #[test]
    fn a_cap_is_within_its_bounds(
        claims in prop::collection::vec((any::<u64>(), any::<u16>(), any::<u16>(), any::<u32>(), any::<u16>()), 1..100)
    ) {
        let (mut downlink, mut now, mut datagrams) = (Downlink::default(), START, (0, 0));
        for (estimate, lost, round_trip, bytes, passed) in claims {
            now = now.plus_millis(u64::from(passed));
            downlink.estimated(estimate, now);
            let (expected, lost) = (u64::from(bytes) / 1_000, u64::from(lost));
            let round_trip = Some(u64::from(round_trip));
            datagrams.0 += u64::from(bytes.rotate_left(9)) / 1_000;
            datagrams.1 += u64::from(bytes);
            let arrival = Arrival { expected, lost, round_trip, sent: bytes, with_others: datagrams };
            downlink.reported(arrival, u64::from(bytes), now);
            if let Some(cap) = downlink.cap(u64::from(bytes), MOST, now) {
                prop_assert!((TUNING.least_bps..MOST).contains(&cap));
            }
        }
    }
}
