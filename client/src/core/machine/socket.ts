// Owns the transitions of the WebSocket to the relay.
//
//   socket         opened       no answer, or broken   ended on purpose   network changed         silent
//   held           -            -                      -                  -                       -
//   connecting     open         reconnecting           lost               tries anew              -
//   open           -            reconnecting           lost               reconnecting, at once   asks, then reconnecting ***
//   reconnecting   resuming *   reconnecting           lost **            tries at once           -
//   resuming       -            reconnecting           lost               reconnecting, at once   -
//   lost           -            -                      -                  -                       -
//
// A socket is held until the person has agreed (consent.ts).
//
//   * Open at once where there is no session to go on with (resumption.ts).
//  ** A server that is full or ends is asked again by those who were inside: an upgraded one follows it.
// *** While the person waits or talks. A WebSocket whose path is gone does not know it for minutes.
//
// The session outlives the socket: nothing of a conversation is touched while it may be gone on with.

import { withoutPeer } from './capture';
import { failAll } from './chat_log';
import type { Effect, Step } from './effects';
import type {
  Door,
  Ending,
  OpenSocket,
  Outage,
  Phase,
  Refusal,
  Session,
  Socket,
  SocketLoss,
} from './state';

/** A browser alone may try for minutes to reach a server that does not answer. */
export const CONNECTING_SECONDS = 10;
/** The same for one try of many. Room for three attempts of TCP (after 1 and 3 s, RFC 6298). */
export const RECONNECTING_SECONDS = 5;

/** Seconds from connecting after which an open socket counts as one that holds. */
const SETTLING_SECONDS = 15;

/** The pause before a try is drawn from zero to this, which doubles: many pages lose one server together. */
const FIRST_PAUSE_SECONDS = 0.3;
const LONGEST_PAUSE_SECONDS = 10;
/** A server that says that it ends is expected back: anyone whom it sent away shall talk again within 5 s. */
const LONGEST_PAUSE_AT_RESTART_SECONDS = 3;
/** Tries after which a server that ended is like any other that is not there. */
const TRIES_AT_RESTART = 30;

/** The relay asks after 4 s who is counted on. Longer silence means that one of the two does not receive what the other says. */
export const SILENCE_SECONDS = 5;
/** For the answer to our own question. The two together are below the 10 s after which a partner knows. */
export const PONG_SECONDS = 4;

type Reconnecting = Extract<Socket, { readonly name: 'reconnecting' }>;

export function connect(session: Session): [Session, Effect[]] {
  return [{ ...session, socket: { name: 'connecting' } }, connecting(CONNECTING_SECONDS)];
}

export function lost(session: Session, loss: SocketLoss): Step {
  const { socket } = session;
  switch (socket.name) {
    case 'held':
      return [session, []];
    case 'lost':
      // Said already, and better, by an error message.
      return [session, []];
    case 'connecting':
      if (isEnding(loss)) return end(session, loss, null);
      return pause(session, reconnecting('unreachable', null, 0));
    case 'open':
      if (isEnding(loss)) return end(session, loss, null);
      return leave(session, socket, socket.draining === null ? loss : 'server_stopping');
    case 'reconnecting':
      // Of a try that counts as failed already.
      if (socket.pausing) return [session, []];
      if (isEnding(loss) && !(takesNobody(loss) && wasInside(socket))) {
        return end(session, loss, null);
      }
      return failed(session, socket);
    case 'resuming':
      if (isEnding(loss)) return end(session, loss, null);
      return pause(session, reconnecting(socket.outage, socket.token, socket.fresh.failures));
  }
}

/** The relay has no room, and closes the socket next. */
export function turnedAway(session: Session, loss: Refusal, retryAfter: number | null): Step {
  const { socket } = session;
  const asksAgain = socket.name === 'reconnecting' && takesNobody(loss) && wasInside(socket);
  return asksAgain ? [session, []] : end(session, loss, retryAfter);
}

/** What keeps the socket from opening. It stands until there is another answer. */
export function answeredAtDoor(session: Session, door: Door): Step {
  const { socket } = session;
  if (socket.name !== 'reconnecting') return [session, []];
  return [{ ...session, socket: { ...socket, door } }, []];
}

/** The time for connecting is over. It includes that for `resume` to be answered. */
export function notAnswered(session: Session): Step {
  const { socket } = session;
  switch (socket.name) {
    case 'connecting':
    case 'resuming':
      return lost(session, 'closed');
    case 'reconnecting':
      return socket.pausing ? [session, []] : failed(session, socket);
    case 'held':
    case 'open':
    case 'lost':
      return [session, []];
  }
}

export function pauseEnded(session: Session): Step {
  const { socket } = session;
  return socket.name === 'reconnecting' && socket.pausing ? retry(session) : [session, []];
}

export function settled(session: Session): Step {
  const { socket } = session;
  if (socket.name !== 'open') return [session, []];
  return [{ ...session, socket: { ...socket, failures: 0 } }, []];
}

/** Tries now, whatever the pause. */
export function retry(session: Session): Step {
  const { socket } = session;
  switch (socket.name) {
    case 'reconnecting':
      return [
        { ...session, socket: { ...socket, pausing: false } },
        [
          ...connecting(RECONNECTING_SECONDS),
          { type: 'set_timer', timer: 'settling', seconds: SETTLING_SECONDS },
        ],
      ];
    case 'held':
      return [session, []];
    case 'connecting':
    case 'lost':
      return connect(session);
    case 'open':
    case 'resuming':
      return suspect(session);
  }
}

/** The relay said something. */
export function received(session: Session): Session {
  const { socket } = session;
  return socket.name === 'open' && socket.asked
    ? { ...session, socket: { ...socket, asked: false } }
    : session;
}

/** Nothing has come for a while. Where nobody counts on this page, nothing has to. */
export function silent(session: Session): Step {
  const { socket, phase } = session;
  if (socket.name !== 'open') return [session, []];
  if (phase.name !== 'waiting' && phase.name !== 'talking') {
    return [session, [listening(SILENCE_SECONDS)]];
  }
  return socket.asked ? abandon(session) : ask(session, socket);
}

/** Nothing ran here for a while, so that silence means nothing yet. */
export function woke(session: Session): Step {
  return session.socket.name === 'open' ? ask(session, session.socket) : [session, []];
}

function ask(session: Session, socket: OpenSocket): Step {
  return [
    { ...session, socket: { ...socket, asked: true } },
    [{ type: 'send', message: { event: 'ping' } }, listening(PONG_SECONDS)],
  ];
}

function listening(seconds: number): Effect {
  return { type: 'set_timer', timer: 'silence', seconds };
}

/** Sockets do not outlive the address that they were opened from, and take minutes to notice. */
export function networkChanged(session: Session): Step {
  return session.socket.name === 'lost' ? [session, []] : retry(session);
}

/**
 * The socket may be dead without knowing it. Resuming over another costs little if it is not, but for a
 * server that drains: that one takes nobody back.
 */
export function suspect(session: Session): Step {
  const { socket } = session;
  if (socket.name !== 'open' && socket.name !== 'resuming') return [session, []];
  if (socket.name === 'open' && socket.draining !== null) return [session, []];
  return abandon(session);
}

/** For another, at once. */
function abandon(session: Session): Step {
  const [next, effects] = lost(session, 'closed');
  const [retried, attempt] = retry(next);
  return [retried, [...effects.filter(({ type }) => type !== 'set_random_timer'), ...attempt]];
}

/** The relay keeps the session no longer. */
export function windowEnded(session: Session): Step {
  const { socket } = session;
  if (socket.name !== 'reconnecting' || socket.token === null) return [session, []];
  const [next, effects] = cutOff(session, socket.outage);
  return [{ ...next, socket: { ...socket, token: null } }, effects];
}

/** The session cannot be gone on with: neither the conversation nor the media connection. */
export function cutOff(
  session: Session,
  outage: Outage,
  searchOn = session.keepSearching,
): [Session, Effect[]] {
  return [
    {
      ...withoutPeer(session),
      phase: cutOffPhase(session.phase, outage, searchOn),
      chat: failAll(session.chat),
    },
    session.connection === 'none' ? [] : [{ type: 'close_peer' }],
  ];
}

/** The search goes on once there is a socket again, if that is what the person does when a partner leaves. */
function cutOffPhase(phase: Phase, outage: Outage, searchOn: boolean): Phase {
  const reason = outage === 'server_stopping' ? 'server_stopping' : 'socket_lost';
  switch (phase.name) {
    case 'idle':
    case 'waiting':
    case 'parted':
      return phase;
    case 'cooling':
      return { name: 'waiting', after: null };
    case 'talking':
      return searchOn ? { name: 'waiting', after: reason } : { name: 'parted', reason };
  }
}

function leave(session: Session, socket: OpenSocket, outage: Outage): Step {
  const [next, effects] = pause(session, reconnecting(outage, socket.token, socket.failures));
  return [
    next,
    [{ type: 'set_timer', timer: 'resume_window', seconds: socket.resumeWindow }, ...effects],
  ];
}

function failed(session: Session, socket: Reconnecting): Step {
  return pause(session, { ...socket, pausing: true, failures: socket.failures + 1 });
}

function pause(session: Session, socket: Reconnecting): Step {
  return [
    withoutSocket(session, socket),
    [
      { type: 'set_random_timer', timer: 'reconnect', atMost: longestPause(socket) },
      ...(socket.outage === 'unreachable' ? [{ type: 'knock' } as const] : []),
    ],
  ];
}

function longestPause({ failures, outage }: Reconnecting): number {
  const restarts = outage === 'server_stopping' && failures < TRIES_AT_RESTART;
  const longest = restarts ? LONGEST_PAUSE_AT_RESTART_SECONDS : LONGEST_PAUSE_SECONDS;
  return Math.min(longest, FIRST_PAUSE_SECONDS * 2 ** failures);
}

function end(session: Session, loss: Ending, retryAfter: number | null): Step {
  const [next, effects] = cutOff(session, 'closed', false);
  return [withoutSocket(next, { name: 'lost', loss, retryAfter }), effects];
}

/** An answer that was on its way is lost with the socket, and what was being typed has to be told anew. */
function withoutSocket(session: Session, socket: Socket): Session {
  const { negotiation } = session;
  const unanswered = negotiation.offer === 'sent';
  return {
    ...session,
    socket,
    typing: 'silent',
    negotiation: {
      ...negotiation,
      offer: unanswered ? 'none' : negotiation.offer,
      stale: 0,
      due: unanswered || negotiation.due,
    },
  };
}

function reconnecting(outage: Outage, token: string | null, failures: number): Reconnecting {
  return { name: 'reconnecting', outage, door: null, failures, pausing: true, token };
}

function connecting(seconds: number): Effect[] {
  return [{ type: 'connect' }, { type: 'set_timer', timer: 'connecting', seconds }];
}

function isEnding(loss: SocketLoss): loss is Ending {
  return loss !== 'closed' && loss !== 'server_stopping';
}

/** For now, and anyone who was inside comes back. */
function takesNobody(loss: SocketLoss): boolean {
  return loss === 'server_full' || loss === 'server_draining';
}

function wasInside({ token, outage }: Reconnecting): boolean {
  return token !== null || outage === 'server_stopping';
}
