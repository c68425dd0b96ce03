//! Everybody who is played, on one thread: the loop around sockets and schedule.

mod presence;
mod queue;

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc::{self, Receiver, TryRecvError};

use self::queue::Queue;
pub use self::queue::Visit;
use crate::carrier::Carrier;
use crate::clock::{self, MILLISECOND, Nanos, SECOND};
use crate::connection::Identity;
use crate::media::Common;
use crate::options::{Options, Route};
use crate::person::{Notice, Person, Phase, Sockets};
use crate::poller::Poller;
use crate::schedule::{Schedule, Task, Turn};
use crate::script::{Deed, Script};
use crate::stage::Stage;
use crate::stamp::Kind;
use crate::tally::Tally;
use crate::udp::{BATCH, Inbox};

const AUDIO_INTERVAL: Nanos = 20 * MILLISECOND;
const ASK_INTERVAL: Nanos = 50 * MILLISECOND;
const REPORT_INTERVAL: Nanos = SECOND;
/// Behind by more than this, packets are left out rather than sent in one burst.
const HOPELESS: Nanos = 500 * MILLISECOND;
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
    graveyard: VecDeque<Sockets>,
    queue: Queue,
    visits: Visit,
    stage: Stage,
    /// What is due again after a rest.
    parked: Vec<Turn>,
    /// A message for each measurement that is to be; without a sender there is to be none any more.
    commands: Receiver<()>,
}

impl Crowd {
    /// `people` are those who need no signalling; without them, everybody enters through the relay.
    pub fn new(options: Options, common: Common, people: Vec<Person>) -> Result<Self, String> {
        let poller = Poller::new().map_err(|error| error.to_string())?;
        let now = clock::now();
        let commands = if options.on_command { commands() } else { mpsc::channel().1 };
        let mut crowd = Self {
            stage: Stage::begin(&options, now),
            identity: Identity::generate()?,
            script: Script::new(&options),
            queue: Queue::new((options.patience * SECOND as f64) as Nanos),
            common,
            people,
            poller,
            options,
            schedule: Schedule::default(),
            deeds: HashMap::new(),
            rooms: HashMap::new(),
            graveyard: VecDeque::new(),
            parked: Vec::new(),
            commands,
            visits: 0,
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
    pub fn run(&mut self, mut announce: impl FnMut(Stage, &Tally)) -> io::Result<()> {
        let mut inbox = Inbox::default();
        while self.stage != Stage::Over {
            let now = clock::now();
            self.take_due(now);
            let next = self.stage.next(clock::now(), &self.options, &self.people, &mut self.common.tally);
            if let Some(next) = next.or_else(|| self.obey()) {
                self.stage = next;
                announce(next, &self.common.tally);
                if matches!(next, Stage::Pairing { .. }) {
                    self.search();
                }
            }
            self.queue.look(now, &mut self.common.tally);
            let wait = self.schedule.next().map_or(LONGEST_WAIT, |due| due.saturating_sub(clock::now()));
            self.poller.wait(wait.min(LONGEST_WAIT))?;
            self.read(&mut inbox);
        }
        for person in &mut self.people {
            person.leave(true, &mut self.common);
        }
        Ok(())
    }

    /// Go on after a rest, if told to.
    fn obey(&mut self) -> Option<Stage> {
        if self.stage != Stage::Resting {
            return None;
        }
        match self.commands.try_recv() {
            Ok(()) => {
                let now = clock::now();
                for turn in std::mem::take(&mut self.parked) {
                    // Nobody is in step afterwards, either.
                    let interval = if turn.task == Task::Report { REPORT_INTERVAL } else { AUDIO_INTERVAL };
                    self.schedule.add(Turn { due: now + fastrand::u64(..interval), ..turn });
                }
                Some(Stage::WarmingUp { since: now })
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Stage::Over),
        }
    }

    fn read(&mut self, inbox: &mut Inbox) {
        // A partner is announced before their media: WebSockets first.
        for kind in [SIGNALLING, MEDIA] {
            let mut position = 0;
            while let Some(token) = self.poller.ready(position) {
                position += 1;
                let index = (token >> 1) as usize;
                self.turn_to(index);
                if token & 1 == kind {
                    let mut notices = Vec::new();
                    if kind == SIGNALLING {
                        self.people[index].hear(&self.identity, &mut self.common, &mut notices);
                    } else {
                        self.receive(index, inbox, &mut notices);
                    }
                    self.heed(index, notices);
                    // What is due must not wait until all that came has been read.
                    self.take_due(clock::now());
                }
            }
        }
    }

    fn receive(&mut self, index: usize, inbox: &mut Inbox, notices: &mut Vec<Notice>) {
        let person = &mut self.people[index];
        let Some(socket) = &person.socket else { return };
        // A refusal (ICMP) is found out by silence, like any other loss.
        let received = socket.receive(inbox).unwrap_or(0);
        let now = clock::now();
        for position in 0..received {
            if !self.common.loses(inbox.datagram(position)) {
                person.receive(inbox.datagram(position), now, &self.identity, &mut self.common, notices);
            }
        }
        // A stream keeps the rest to itself; a socket's is told of again.
        if received == BATCH && person.socket.as_ref().is_some_and(Carrier::is_stream) {
            self.receive(index, inbox, notices);
        }
    }

    /// What is sent and received from now on is on this person's link.
    fn turn_to(&mut self, index: usize) {
        let is_lossy = (index as u32 % 10) < self.options.lossy;
        self.common.loss = if is_lossy { self.options.loss } else { 0.0 };
    }

    fn take_due(&mut self, now: Nanos) {
        while let Some(turn) = self.schedule.pop(now) {
            self.take(turn);
        }
    }

    fn take(&mut self, turn: Turn) {
        let index = turn.person as usize;
        let now = clock::now();
        self.turn_to(index);
        if turn.task == Task::Enter {
            return self.enter(index, now);
        }
        let person = &mut self.people[index];
        if turn.life != person.life {
            return;
        }
        let is_media = matches!(turn.task, Task::Speak | Task::Show | Task::Ask | Task::Report);
        if is_media && self.stage == Stage::Resting {
            return self.parked.push(turn);
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
                        person.tell_quality(now);
                        REPORT_INTERVAL
                    };
                    self.add(index, turn.task, turn.due + interval);
                }
            }
            Task::Connect if person.planned == Some(turn.due) => {
                person.planned = None;
                person.connect(&mut self.common, &mut notices);
                self.plan_connection(index, now);
            }
            Task::Act => self.act(index, now),
            Task::Resume => self.resume(index, now),
            // Of a plan that was replaced by an earlier one.
            Task::Connect | Task::Enter => {}
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

    fn add(&mut self, index: usize, task: Task, due: Nanos) {
        self.schedule.add(Turn { due, person: index as u32, life: self.people[index].life, task });
    }
}

/// The lines of standard input, as they come.
fn commands() -> Receiver<()> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for _ in io::stdin().lines().map_while(Result::ok) {
            if sender.send(()).is_err() {
                break;
            }
        }
    });
    receiver
}
