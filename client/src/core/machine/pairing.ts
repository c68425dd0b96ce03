// Owns the transitions of the phase: where the person is on their way from one conversation to the next.
//
//   phase     start     next *    stop   partner_found   waiting_…   partner_disconnected   refused   cooled
//   idle      waiting   -         -      -               -           -                      -         -
//   waiting   -         -         idle   talking         waiting     waiting                cooling   -
//   talking   -         waiting   idle   talking         waiting     parted or waiting      -         -
//   parted    -         waiting   idle   talking         waiting     -                      -         -
//   cooling   -         -         idle   -               -           -                      -         waiting
//
// * Nothing for 0.7 s after a partner was found and after it was pressed: two presses of one mind would skip somebody
//   unseen. Escape does the same in two presses within 3 s, as it is meant for many other things.
// `back`, within 5 s of a Next, is open for who pressed it; asked of the other, who agrees with the same; and over when
// either talks again. It moves no phase: the server's partner_found does.
//
// The phase moves when the person asks, and what the server then says wins. Three cells need a word:
// - `leave_room` has no reply, so whatever arrives while idle or cooling was sent before the server
//   read it. Following it would show a partner whom the server has already taken away.
// - A parting that arrives while waiting crossed with `next_partner`, which the server answers yet.
// - A refused `next_partner` changes nothing on the server, so there the former partner is still
//   looking at a picture that we stopped. `leave_room` lets them go; the search goes on by itself.

import type { ErrorMessage, WaitingForPartner } from '../protocol';
import { startCapture } from './capture';
import { DEVICE_KINDS } from './devices';
import type { Effect, Step } from './effects';
import { maySearch } from './obstacle';
import { goOn } from './others';
import { NOT_KEPT, type Parting, type Phase, type Room, type Session } from './state';

/** For a refusal that names no time. */
const COOLING_SECONDS = 5;

/** Longer than a double click, and than one needs to see that there is somebody else. */
export const GUARD_SECONDS = 0.7;
/** For which a question is looked at. */
export const DOUBT_SECONDS = 3;

/** For which one may go back; and then for which the other one may agree. */
export const BACK_SECONDS = 5;

/** Of who begins to search, or goes on by themselves. */
export const LOOKING: Phase = { name: 'waiting', after: null };

const BACK_ENDS: Effect = { type: 'set_timer', timer: 'back', seconds: BACK_SECONDS };
const GUARD: Effect = { type: 'set_timer', timer: 'guard', seconds: GUARD_SECONDS };
const NEXT: Effect = { type: 'send', message: { event: 'next_partner' } };
const LEAVE: Effect = { type: 'send', message: { event: 'leave_room' } };

export function findPartner({ mode, keepSearching, browser }: Session): Effect {
  return {
    type: 'send',
    message: {
      event: 'find_partner',
      data: { mode, keep_searching: keepSearching, ...(browser !== null && { browser }) },
    },
  };
}

/** Their devices come first, where those are still to be asked for. */
export function start(session: Session): Step {
  if (session.phase.name !== 'idle' || !maySearch(session)) return [session, []];
  return startCapture(session) ?? search(session);
}

/** The devices were opened for the start. Who has none of them is told so first, and may start all the same. */
export function begin(session: Session): Step {
  const { capture, starting } = session;
  if (!starting || capture.name !== 'open') return [session, []];
  const started: Session = { ...session, starting: false };
  const any = DEVICE_KINDS.some((kind) => capture.using[kind] !== null);
  return any ? search(started) : [started, []];
}

export function next(session: Session): Step {
  const { name } = session.phase;
  if ((name !== 'talking' && name !== 'parted') || session.guarded || !maySearch(session)) {
    return [session, []];
  }
  // Whose partner left is idle on the server; a new socket has no mode as before.
  if (name === 'parted') return search(session);
  const waiting = guarded(enter(session, LOOKING));
  if (session.phase.name !== 'talking') return [waiting, [NEXT, GUARD]];
  return [
    { ...waiting, back: { roomId: session.phase.roomId, step: 'open' } },
    [NEXT, GUARD, BACK_ENDS],
  ];
}

/** Undoes a Next: our own, or that of the partner who asked for it. */
export function goBack(session: Session): Step {
  const { back } = session;
  if (back === null || back.step === 'asked') return [session, []];
  return [
    { ...session, back: { ...back, step: 'asked' } },
    [{ type: 'send', message: { event: 'back', data: { room_id: back.roomId } } }, BACK_ENDS],
  ];
}

/** The partner who went on would like to come back. */
export function backAsked(session: Session, roomId: string): Step {
  const { name } = session.phase;
  if (name !== 'waiting' && name !== 'parted') return [session, []];
  return [{ ...session, back: { roomId, step: 'wished' } }, [BACK_ENDS]];
}

/** They talk with somebody else, or are gone; or nobody pressed in time. */
export function backEnded(session: Session): Step {
  return [{ ...session, back: null }, []];
}

/** Nobody is lost who is not there. */
export function hesitate(session: Session): Step {
  if (session.phase.name !== 'talking' || session.unsure) return next(session);
  if (session.guarded || !maySearch(session)) return [session, []];
  return [
    { ...session, unsure: true },
    [{ type: 'set_timer', timer: 'doubt', seconds: DOUBT_SECONDS }],
  ];
}

export function stop(session: Session): Step {
  if (session.phase.name === 'idle') return [session, []];
  const known = session.phase.name === 'waiting' || session.phase.name === 'talking';
  return [
    { ...enter(session, { name: 'idle' }), chat: [], keeping: NOT_KEPT },
    known ? [LEAVE] : [],
  ];
}

export function waiting(session: Session, data: WaitingForPartner['data']): Step {
  const { phase } = session;
  const { own_tab: ownTab = false } = data;
  if (isDeaf(phase)) return [session, []];
  const own = ownTab ? { ownTab } : {};
  if (phase.name !== 'waiting')
    return [enter(session, { name: 'waiting', after: null, ...own }), []];
  return [{ ...session, phase: { name: 'waiting', after: phase.after, ...own } }, []];
}

export function found(session: Session, room: Room): Step {
  if (isDeaf(session.phase)) return [session, []];
  const talking = guarded(enter(session, { name: 'talking', ...room }));
  return [{ ...talking, chat: [], keeping: NOT_KEPT }, [GUARD]];
}

/**
 * The session goes on over another socket: what was missed is made up for. The server's word wins where
 * the person only watched; where they stopped or started meanwhile, the server does not know it yet.
 */
export function resumed(session: Session, room: Room | null, searching: boolean): Step {
  const { phase } = session;
  switch (phase.name) {
    case 'talking': {
      if (room === null) return parted(session, { reason: 'while_away', searching });
      if (room.roomId !== phase.roomId) return found(session, room);
      const others = goOn(phase.others, room.others);
      return [{ ...session, phase: { ...phase, others } }, []];
    }
    case 'waiting':
      if (room !== null) return [session, [NEXT]];
      return [session, searching ? [] : [findPartner(session)]];
    case 'parted':
      return [session, []];
    case 'idle':
    case 'cooling':
      return [session, room !== null || searching ? [LEAVE] : []];
  }
}

interface Departure {
  readonly reason: Parting;
  readonly searching: boolean;
}

export function parted(session: Session, { reason, searching }: Departure): Step {
  if (session.phase.name !== 'talking') return [session, []];
  return [
    enter(session, searching ? { name: 'waiting', after: reason } : { name: 'parted', reason }),
    [],
  ];
}

export function refused(session: Session, error: ErrorMessage['data']): Step {
  if (session.phase.name !== 'waiting') return [session, []];
  const seconds = error.retry_after ?? COOLING_SECONDS;
  return [
    enter(session, { name: 'cooling', seconds }),
    [LEAVE, { type: 'set_timer', timer: 'cooling', seconds }],
  ];
}

export function cooled(session: Session): Step {
  return session.phase.name === 'cooling' ? search(session) : [session, []];
}

/** Where the socket is not open yet, the search begins when it is (resumption.ts). */
function search(session: Session): Step {
  return [guarded(enter(session, LOOKING)), [findPartner(session), GUARD]];
}

function guarded(session: Session): Session {
  return { ...session, guarded: true };
}

function isDeaf(phase: Phase): boolean {
  return phase.name === 'idle' || phase.name === 'cooling';
}

/** What was being typed, and asked, was about the partner there was. */
export function enter(session: Session, phase: Phase): Session {
  return { ...session, phase, typing: 'silent', unsure: false, back: null };
}
