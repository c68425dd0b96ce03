//! Everybody who is played, on one thread: the loop around sockets and schedule.

use std::collections::HashMap;
use std::io;
use std::time::Instant;

use crate::clock::{self, MILLISECOND, Nanos, SECOND};
use crate::connection::Identity;
use crate::media::Common;
use crate::options::{Options, Route};
use crate::person::{Notice, Person, Phase};
use crate::poller::Poller;
use crate::schedule::{Schedule, Task, Turn};
use crate::script::{Deed, Script};
use crate::signalling::{Closed, Say, Signalling};
use crate::stage::Stage;
use crate::stamp::Kind;
use crate::udp::Inbox;

const AUDIO_INTERVAL: Nanos = 20 * MILLISECOND;
const ASK_INTERVAL: Nanos = 50 * MILLISECOND;
const REPORT_INTERVAL: Nanos = SECOND;
/// Behind by more than this, packets are left out rather than sent in one burst.
const HOPELESS: Nanos = 500 * MILLISECOND;
/// Until somebody comes again: after a failure, a reconnect, a silent death.
const AFTER_FAILURE: Nanos = SECOND;
const AFTER_RECONNECT: Nanos = 200 * MILLISECOND;
const AFTER_DEATH: Nanos = 3 * SECOND;
const AFTER_LEAVING: Nanos = SECOND;
/// So that the loop looks at the stage now and then.
const LONGEST_WAIT: Nanos = 20 * MILLISECOND;

/// Which of a person's sockets a token means.
const MEDIA: u64 = 0;
const SIGNALLING: u64 = 1;

pub struct Crowd {
    options: Options,
    pub common: Common,
    people: Vec<Person>,
    schedule: Schedule,
    poller: Poller,
    identity: Identity,
    script: Script,
    deeds: HashMap<u32, Deed>,
    /// Who waits in which room for the other one to be told.
    rooms: HashMap<String, u32>,
    /// Sockets of the silently dead, kept open so that no kernel says goodbye for them.
    graveyard: Vec<(Option<Signalling>, Option<std::net::UdpSocket>)>,
    stage: Stage,
}

impl Crowd {
    /// `people` are those who need no signalling; without them, everybody enters through the relay.
    pub fn new(options: Options, common: Common, people: Vec<Person>) -> Result<Self, String> {
        let poller = Poller::new().map_err(|error| error.to_string())?;
        let now = clock::now();
        let mut crowd = Self {
            stage: Stage::begin(&options, now),
            identity: Identity::generate()?,
            script: Script::new(&options),
            common,
            people,
            poller,
            options,
            schedule: Schedule::default(),
            deeds: HashMap::new(),
            rooms: HashMap::new(),
            graveyard: Vec::new(),
        };
        if crowd.options.route == Route::Relay {
            crowd.invite(now);
        } else {
            for index in 0..crowd.people.len() {
                crowd.watch_media(index).map_err(|error| error.to_string())?;
                crowd.begin_media(index, now);
            }
        }
        Ok(crowd)
    }

    /// Play until the measurement is over. `announce` hears of each stage when it begins.
    pub fn run(&mut self, mut announce: impl FnMut(Stage)) -> io::Result<()> {
        let mut inbox = Inbox::default();
        while self.stage != Stage::Over {
            let now = clock::now();
            while let Some(turn) = self.schedule.pop(now) {
                self.take(turn);
            }
            if let Some(next) = self.stage.next(clock::now(), &self.options, &self.people, &mut self.common.tally) {
                self.stage = next;
                announce(next);
                if next == (Stage::Pairing { since: next.since() }) {
                    self.search();
                }
            }
            let wait = self.schedule.next().map_or(LONGEST_WAIT, |due| due.saturating_sub(clock::now()));
            self.poller.wait(wait.min(LONGEST_WAIT))?;
            self.read(&mut inbox);
        }
        for person in &mut self.people {
            person.leave(true, &mut self.common);
        }
        Ok(())
    }

    fn invite(&mut self, now: Nanos) {
        let interval = (SECOND as f64 / self.options.join_rate) as Nanos;
        for id in 0..self.options.people {
            self.people.push(Person::new(id, id % 10 >= self.options.audio_only));
            self.add(id as usize, Task::Enter, now + u64::from(id) * interval);
        }
    }

    /// Everybody looks for a partner, in order.
    fn search(&mut self) {
        for index in 0..self.people.len() {
            if self.people[index].phase == Phase::Ready {
                self.say(index, &Say::FindPartner);
            }
        }
    }

    fn read(&mut self, inbox: &mut Inbox) {
        // A partner is announced before their media: WebSockets first.
        for kind in [SIGNALLING, MEDIA] {
            let mut position = 0;
            while let Some(token) = self.poller.ready(position) {
                position += 1;
                let index = (token >> 1) as usize;
                if token & 1 == kind {
                    let mut notices = Vec::new();
                    if kind == SIGNALLING {
                        self.people[index].hear(&self.identity, &mut self.common, &mut notices);
                    } else {
                        self.receive(index, inbox, &mut notices);
                    }
                    self.heed(index, notices);
                }
            }
        }
    }

    fn receive(&mut self, index: usize, inbox: &mut Inbox, notices: &mut Vec<Notice>) {
        let person = &mut self.people[index];
        let Some(socket) = &person.socket else { return };
        // A refusal (ICMP) is found out by silence, like any other loss.
        let received = inbox.receive(socket).unwrap_or(0);
        let now = clock::now();
        for position in 0..received {
            if !self.common.loses() {
                person.receive(inbox.datagram(position), now, &self.identity, &mut self.common, notices);
            }
        }
    }

    fn take(&mut self, turn: Turn) {
        let index = turn.person as usize;
        let now = clock::now();
        if turn.task == Task::Enter {
            return self.enter(index, now);
        }
        let person = &mut self.people[index];
        if turn.life != person.life {
            return;
        }
        let mut notices = Vec::new();
        match turn.task {
            Task::Speak => self.send(turn, Kind::Audio, AUDIO_INTERVAL, now),
            Task::Show => self.send(turn, Kind::Video, (SECOND as f64 / self.options.fps) as Nanos, now),
            Task::Ask | Task::Report => {
                if let (Some(media), Some(socket)) = (&mut person.media, &person.socket) {
                    let interval = if turn.task == Task::Ask {
                        media.ask(now, socket, &mut self.common);
                        ASK_INTERVAL
                    } else {
                        media.report(now, socket, &mut self.common);
                        REPORT_INTERVAL
                    };
                    self.add(index, turn.task, turn.due + interval);
                }
            }
            Task::Connect => {
                person.connect(&mut self.common, &mut notices);
                self.plan_connection(index, now);
            }
            Task::Act => self.act(index, now),
            Task::Enter => {}
        }
        self.heed(index, notices);
    }

    fn send(&mut self, turn: Turn, kind: Kind, interval: Nanos, now: Nanos) {
        let person = &mut self.people[turn.person as usize];
        let (Some(media), Some(socket)) = (&mut person.media, &person.socket) else { return };
        let is_hopeless = now > turn.due + HOPELESS;
        if person.phase == Phase::Talking && !is_hopeless {
            media.send(kind, turn.due, socket, &mut self.common);
            self.common.tally.leave(turn.due, now);
        }
        let due = if is_hopeless { now } else { turn.due } + interval;
        self.schedule.add(Turn { due, ..turn });
    }

    fn enter(&mut self, index: usize, now: Nanos) {
        let entered = self.people[index].enter(self.options.server, now).and_then(|()| self.watch(index));
        match entered {
            Ok(()) => self.plan_connection(index, now),
            Err(error) => self.fail(index, error.to_string(), now),
        }
    }

    fn watch(&self, index: usize) -> io::Result<()> {
        if let Some(signalling) = &self.people[index].signalling {
            self.poller.watch(signalling, (index as u64) << 1 | SIGNALLING)?;
        }
        self.watch_media(index)
    }

    fn watch_media(&self, index: usize) -> io::Result<()> {
        self.people[index]
            .socket
            .as_ref()
            .map_or(Ok(()), |socket| self.poller.watch(socket, (index as u64) << 1 | MEDIA))
    }

    fn heed(&mut self, index: usize, notices: Vec<Notice>) {
        let now = clock::now();
        for notice in notices {
            let person = &mut self.people[index];
            match notice {
                Notice::Secured => {
                    self.common.tally.join.record(now - person.entered);
                    self.begin_media(index, now);
                    if self.stage.is_running() {
                        self.say(index, &Say::FindPartner);
                    }
                }
                Notice::Met { room } => self.meet(index, room, now),
                Notice::Parted { searching } => {
                    self.part(index, now);
                    if !searching {
                        self.say(index, &Say::FindPartner);
                    }
                }
                Notice::SawKeyframe if person.room.is_some() => {
                    self.common.tally.first_keyframe.record(now - person.met);
                }
                Notice::SawKeyframe => {}
                Notice::Failed(reason) => self.fail(index, reason, now),
            }
        }
        if self.people[index].phase == Phase::Connecting {
            self.plan_connection(index, now);
        }
    }

    fn meet(&mut self, index: usize, room: String, now: Nanos) {
        self.part(index, now);
        let person = &mut self.people[index];
        person.phase = Phase::Talking;
        person.met = now;
        person.room = Some(room.clone());
        if let Some(other) = self.rooms.remove(&room) {
            for (one, partner) in [(index, other), (other as usize, index as u32)] {
                if let Some(media) = &mut self.people[one].media {
                    media.recognise(partner, &mut self.common);
                }
            }
        } else {
            self.rooms.insert(room, index as u32);
        }
    }

    fn part(&mut self, index: usize, now: Nanos) {
        let person = &mut self.people[index];
        if let Some(room) = person.room.take() {
            self.rooms.remove(&room);
        }
        person.sees = false;
        if let Some(media) = &mut person.media {
            media.part(now, &mut self.common);
            person.phase = Phase::Ready;
        }
    }

    fn begin_media(&mut self, index: usize, now: Nanos) {
        // People don't start in step.
        for task in [Task::Speak, Task::Show] {
            self.add(index, task, now + fastrand::u64(..AUDIO_INTERVAL));
        }
        if self.options.route == Route::Relay {
            self.add(index, Task::Ask, now + ASK_INTERVAL);
            self.add(index, Task::Report, now + fastrand::u64(..REPORT_INTERVAL));
            self.plan_connection(index, now);
            self.plan_deed(index, now);
        }
    }

    fn plan_connection(&mut self, index: usize, now: Nanos) {
        let Some(connection) = &mut self.people[index].connection else { return };
        if let Some(due) = connection.due() {
            let wait = due.saturating_duration_since(Instant::now()).as_nanos() as Nanos;
            self.add(index, Task::Connect, now + wait);
        }
    }

    fn plan_deed(&mut self, index: usize, now: Nanos) {
        if let Some((deed, wait)) = self.script.draw() {
            self.deeds.insert(index as u32, deed);
            self.add(index, Task::Act, now + wait);
        }
    }

    fn act(&mut self, index: usize, now: Nanos) {
        let person = &mut self.people[index];
        let searches = person.phase == Phase::Ready && person.room.is_none();
        match self.deeds.remove(&(index as u32)) {
            // Back from leaving the room.
            None => self.say(index, &Say::FindPartner),
            Some(_) if searches || !self.stage.is_running() => {}
            Some(deed) => {
                self.common.tally.act(deed.name());
                match deed {
                    Deed::Skip => self.skip(index, now),
                    Deed::Leave => {
                        self.part(index, now);
                        self.say(index, &Say::LeaveRoom);
                        return self.add(index, Task::Act, now + AFTER_LEAVING);
                    }
                    Deed::Die => {
                        let sockets = self.go(index, false, now + AFTER_DEATH);
                        return self.graveyard.push(sockets);
                    }
                    Deed::Reconnect => {
                        self.go(index, true, now + AFTER_RECONNECT);
                        return;
                    }
                }
            }
        }
        self.plan_deed(index, now);
    }

    fn skip(&mut self, index: usize, now: Nanos) {
        self.part(index, now);
        self.say(index, &Say::NextPartner);
    }

    fn fail(&mut self, index: usize, reason: String, now: Nanos) {
        self.common.tally.fail(reason);
        self.go(index, false, now + AFTER_FAILURE);
    }

    /// Leave, and come again as somebody new.
    fn go(&mut self, index: usize, politely: bool, back: Nanos) -> (Option<Signalling>, Option<std::net::UdpSocket>) {
        self.part(index, clock::now());
        let sockets = self.people[index].leave(politely, &mut self.common);
        if let (Some(signalling), Some(socket)) = &sockets {
            // Those that are not watched any more would be an error, and of no interest.
            let _ = self.poller.forget(signalling);
            let _ = self.poller.forget(socket);
        }
        self.people[index].life += 1;
        self.add(index, Task::Enter, back);
        sockets
    }

    fn say(&mut self, index: usize, message: &Say) {
        if let Err(Closed(reason)) = self.people[index].say(message) {
            self.fail(index, format!("WebSocket: {reason}"), clock::now());
        }
    }

    fn add(&mut self, index: usize, task: Task, due: Nanos) {
        self.schedule.add(Turn { due, person: index as u32, life: self.people[index].life, task });
    }
}
