//! Who is here: people come, are paired, part, act out their script, fail, and come again.

use std::time::Instant;

use super::{ASK_INTERVAL, AUDIO_INTERVAL, Crowd, MEDIA, REPORT_INTERVAL, SIGNALLING};
use crate::chat::Written;
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
const AFTER_CUT: Nanos = 500 * MILLISECOND;

/// Of the silently dead, those whose sockets are kept: the relay has given up the others long ago.
const BURIED: usize = 1_000;

impl Crowd {
    /// Everybody is to come in, one after the other.
    pub(super) fn invite(&mut self, now: Nanos) {
        let interval = (SECOND as f64 / self.options.join_rate) as Nanos;
        for id in 0..self.options.people {
            let writes_only = id % 10 >= 10 - self.options.text_only;
            self.people.push(Person::new(id, id % 10 >= self.options.audio_only, writes_only));
            self.add(id as usize, Task::Enter, now + u64::from(id) * interval);
        }
    }

    /// Everybody looks for a partner, in order.
    pub(super) fn search(&mut self) {
        for index in 0..self.people.len() {
            if self.people[index].phase == Phase::Ready {
                self.find(index);
            }
        }
    }

    /// Look for a partner.
    fn find(&mut self, index: usize) {
        let writes_only = self.people[index].writes_only;
        self.people[index].has_left = false;
        self.queue.wait(self.people[index].visit, writes_only, clock::now());
        self.say(index, &Say::FindPartner { writes_only });
    }

    pub(super) fn enter(&mut self, index: usize, now: Nanos) {
        self.visits += 1;
        self.people[index].visit = self.visits;
        let entered =
            self.people[index].enter(self.options.server, self.options.transport, now).and_then(|()| self.watch(index));
        match entered {
            Ok(()) => {
                self.plan_connection(index, now);
                self.listen(index);
            }
            Err(error) => self.fail(index, error.to_string(), now),
        }
    }

    /// Hear what came along with the handshake: the socket is not readable for it again.
    fn listen(&mut self, index: usize) {
        let mut notices = Vec::new();
        self.people[index].hear(&self.identity, &mut self.common, &mut notices);
        self.heed(index, notices);
    }

    fn watch(&self, index: usize) -> std::io::Result<()> {
        self.watch_signalling(index)?;
        self.watch_media(index)
    }

    fn watch_signalling(&self, index: usize) -> std::io::Result<()> {
        let token = (index as u64) << 1 | SIGNALLING;
        self.people[index].signalling.as_ref().map_or(Ok(()), |signalling| self.poller.watch(signalling, token))
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
                // Said before the relay heard that they had left.
                Notice::Met { room } if person.has_left => self.queue.meet(&room, person.visit),
                Notice::Parted { .. } if person.has_left => {}
                Notice::Chat(written) if person.room.is_some() => person.chat.read(written, &mut self.common.tally),
                // Of a conversation that we have left it is no more than late.
                Notice::Chat(_) => {}
                Notice::Lapsed => {
                    self.part(index, now);
                    self.queue.forget(self.people[index].visit);
                    self.visits += 1;
                    self.people[index].visit = self.visits;
                    self.find(index);
                }
                Notice::Tunnelled => {
                    if let Err(error) = self.watch_media(index) {
                        self.fail(index, error.to_string(), now);
                    }
                }
                Notice::Secured => {
                    self.common.tally.join.record(now - person.entered);
                    if person.writes_only {
                        self.plan_deed(index, now);
                    } else {
                        self.begin_media(index, now);
                    }
                    if self.stage.is_running() {
                        self.find(index);
                    }
                }
                Notice::Resumed { room, searching } => self.go_on(index, room, searching, now),
                Notice::Restarted => {
                    self.common.tally.restarted += 1;
                    self.plan_connection(index, now);
                }
                Notice::Met { room } => self.meet(index, room, now),
                Notice::Parted { searching } => {
                    self.part(index, now);
                    if searching {
                        self.queue.wait(self.people[index].visit, self.people[index].writes_only, now);
                    } else {
                        self.find(index);
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
        self.queue.meet(&room, person.visit);
        if let Some(other) = self.rooms.remove(&room) {
            self.common.tally.pairings += 1;
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
        person.chat.cut();
        self.queue.stop(person.visit);
        if person.phase == Phase::Talking {
            person.phase = Phase::Ready;
        }
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
        let person = &self.people[index];
        let talks = person.phase == Phase::Talking && !person.is_cut;
        match self.deeds.remove(&(index as u32)) {
            // Back from having left the room.
            None => self.find(index),
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
                self.queue.wait(self.people[index].visit, self.people[index].writes_only, now);
                self.say(index, &Say::NextPartner);
                self.plan_deed(index, now);
            }
            Deed::Leave => {
                self.part(index, now);
                self.people[index].has_left = true;
                self.say(index, &Say::LeaveRoom);
                self.add(index, Task::Act, now + AFTER_LEAVING);
            }
            Deed::Die => {
                let sockets = self.go(index, false, now + AFTER_DEATH);
                self.graveyard.push_back(sockets);
                if self.graveyard.len() > BURIED {
                    self.graveyard.pop_front();
                }
            }
            Deed::Chat => {
                let written = self.people[index].chat.write();
                self.write(index, written);
                self.plan_deed(index, now);
            }
            Deed::Resume => {
                if let Some(cut) = self.people[index].cut() {
                    let _ = self.poller.forget(&cut);
                }
                self.add(index, Task::Resume, now + AFTER_CUT);
                self.plan_deed(index, now);
            }
            Deed::Restart => {
                self.restart(index, now);
                self.plan_deed(index, now);
            }
            Deed::Reconnect => {
                self.go(index, true, now + AFTER_RECONNECT);
            }
        }
    }

    /// Come back to a session whose WebSocket was cut.
    pub(super) fn resume(&mut self, index: usize, now: Nanos) {
        let (relay, transport) = (self.options.server, self.options.transport);
        let back = self.people[index].come_back(relay, transport).and_then(|()| self.watch_signalling(index));
        match back {
            Ok(()) => self.listen(index),
            Err(error) => self.fail(index, error.to_string(), now),
        }
    }

    /// The session goes on, wherever the relay says that the person is now.
    fn go_on(&mut self, index: usize, room: Option<String>, searching: bool, now: Nanos) {
        self.common.tally.resumed += 1;
        if room != self.people[index].room {
            self.part(index, now);
            match room {
                Some(room) => self.meet(index, room, now),
                None if searching => self.queue.wait(self.people[index].visit, self.people[index].writes_only, now),
                None => self.find(index),
            }
        }
        for written in self.people[index].chat.unconfirmed() {
            self.write(index, written);
        }
        if self.people[index].is_restarting {
            // The answer was lost with the WebSocket.
            self.restart(index, now);
        }
    }

    fn fail(&mut self, index: usize, reason: String, now: Nanos) {
        self.common.tally.fail(reason);
        self.go(index, false, now + AFTER_FAILURE);
    }

    /// Leave, and come again as somebody new.
    fn go(&mut self, index: usize, politely: bool, back: Nanos) -> Sockets {
        self.part(index, clock::now());
        self.queue.forget(self.people[index].visit);
        let sockets = self.people[index].leave(politely, &mut self.common);
        // Those that are not watched any more would be an error, and of no interest.
        if let Some(signalling) = &sockets.0 {
            let _ = self.poller.forget(signalling);
        }
        if let Some(socket) = &sockets.1 {
            let _ = self.poller.forget(socket);
        }
        self.people[index].life += 1;
        self.add(index, Task::Enter, back);
        sockets
    }

    fn restart(&mut self, index: usize, now: Nanos) {
        if let Err(Closed(reason)) = self.people[index].restart(&self.identity) {
            self.fail(index, format!("WebSocket: {reason}"), now);
        }
    }

    /// Say it to the partner, and to nobody whom the relay has put in their place meanwhile.
    fn write(&mut self, index: usize, written: Written) {
        if let Some(room) = self.people[index].room.clone() {
            self.say(index, &Say::Chat { room, written });
        }
    }

    fn say(&mut self, index: usize, message: &Say) {
        if let Err(Closed(reason)) = self.people[index].say(message) {
            self.fail(index, format!("WebSocket: {reason}"), clock::now());
        }
    }
}
