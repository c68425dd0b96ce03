//! Who is here: people come, are paired, part, act out their script, fail, and come again.

use std::time::Instant;

use super::{ASK_INTERVAL, AUDIO_INTERVAL, Crowd, MEDIA, REPORT_INTERVAL, SIGNALLING};
use crate::clock::{self, MILLISECOND, Nanos, SECOND};
use crate::connection::Connection;
use crate::options::Route;
use crate::person::{Notice, Person, Phase, Sockets};
use crate::schedule::Task;
use crate::script::Deed;
use crate::signalling::{Closed, Say};

/// Until somebody comes again, or searches again.
const AFTER_FAILURE: Nanos = SECOND;
const AFTER_RECONNECT: Nanos = 200 * MILLISECOND;
const AFTER_DEATH: Nanos = 3 * SECOND;
const AFTER_LEAVING: Nanos = SECOND;

impl Crowd {
    /// Everybody is to come in, one after the other.
    pub(super) fn invite(&mut self, now: Nanos) {
        let interval = (SECOND as f64 / self.options.join_rate) as Nanos;
        for id in 0..self.options.people {
            self.people.push(Person::new(id, id % 10 >= self.options.audio_only));
            self.add(id as usize, Task::Enter, now + u64::from(id) * interval);
        }
    }

    /// Everybody looks for a partner, in order.
    pub(super) fn search(&mut self) {
        for index in 0..self.people.len() {
            if self.people[index].phase == Phase::Ready {
                self.say(index, &Say::FindPartner);
            }
        }
    }

    pub(super) fn enter(&mut self, index: usize, now: Nanos) {
        let entered =
            self.people[index].enter(self.options.server, self.options.transport, now).and_then(|()| self.watch(index));
        match entered {
            Ok(()) => self.plan_connection(index, now),
            Err(error) => self.fail(index, error.to_string(), now),
        }
    }

    fn watch(&self, index: usize) -> std::io::Result<()> {
        if let Some(signalling) = &self.people[index].signalling {
            self.poller.watch(signalling, (index as u64) << 1 | SIGNALLING)?;
        }
        self.watch_media(index)
    }

    pub(super) fn watch_media(&self, index: usize) -> std::io::Result<()> {
        self.people[index]
            .socket
            .as_ref()
            .map_or(Ok(()), |socket| self.poller.watch(socket, (index as u64) << 1 | MEDIA))
    }

    /// Act on what happened to a person.
    pub(super) fn heed(&mut self, index: usize, notices: Vec<Notice>) {
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
        (person.sees, person.told) = (false, None);
        if let Some(media) = &mut person.media {
            media.part(now, &mut self.common);
            person.phase = Phase::Ready;
        }
    }

    pub(super) fn begin_media(&mut self, index: usize, now: Nanos) {
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

    pub(super) fn plan_connection(&mut self, index: usize, now: Nanos) {
        let person = &mut self.people[index];
        let Some(due) = person.connection.as_mut().and_then(Connection::due) else { return };
        let due = now + due.saturating_duration_since(Instant::now()).as_nanos() as Nanos;
        if person.planned.is_none_or(|planned| due < planned) {
            person.planned = Some(due);
            self.add(index, Task::Connect, due);
        }
    }

    fn plan_deed(&mut self, index: usize, now: Nanos) {
        if let Some((deed, wait)) = self.script.draw() {
            self.deeds.insert(index as u32, deed);
            self.add(index, Task::Act, now + wait);
        }
    }

    /// Do what the script says, unless there is nobody to do it to.
    pub(super) fn act(&mut self, index: usize, now: Nanos) {
        let talks = self.people[index].phase == Phase::Talking;
        match self.deeds.remove(&(index as u32)) {
            // Back from having left the room.
            None => self.say(index, &Say::FindPartner),
            Some(deed) if talks => {
                self.common.tally.act(deed.name());
                return self.perform(deed, index, now);
            }
            Some(_) => {}
        }
        self.plan_deed(index, now);
    }

    fn perform(&mut self, deed: Deed, index: usize, now: Nanos) {
        match deed {
            Deed::Skip => {
                self.part(index, now);
                self.say(index, &Say::NextPartner);
                self.plan_deed(index, now);
            }
            Deed::Leave => {
                self.part(index, now);
                self.say(index, &Say::LeaveRoom);
                self.add(index, Task::Act, now + AFTER_LEAVING);
            }
            Deed::Die => {
                let sockets = self.go(index, false, now + AFTER_DEATH);
                self.graveyard.push(sockets);
            }
            Deed::Reconnect => {
                self.go(index, true, now + AFTER_RECONNECT);
            }
        }
    }

    fn fail(&mut self, index: usize, reason: String, now: Nanos) {
        self.common.tally.fail(reason);
        self.go(index, false, now + AFTER_FAILURE);
    }

    /// Leave, and come again as somebody new.
    fn go(&mut self, index: usize, politely: bool, back: Nanos) -> Sockets {
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
}
