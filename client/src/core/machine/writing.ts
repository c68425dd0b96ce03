// Owns the transitions of what people in a room write to each other: messages and their confirmations, and
// who is typing. Everything here is about one conversation and ends with it.

import type { ChatMessage, ErrorMessage } from '../protocol';
import {
  addMine,
  addNotice,
  addTheirs,
  fail,
  mark,
  textOf,
  underway,
  type WhyUnsent,
} from './chat_log';
import type { Effect, Step } from './effects';
import type { Seat } from './lines';
import { updatePartner } from './others';
import { isVisible, sendable } from './shown_text';
import type { Session } from './state';

/** A message that is not confirmed by then has failed. */
export const CONFIRM_SECONDS = 10;
/** `typing` is repeated this often while a person types, and withdrawn after as long a pause. */
export const TYPING_SECONDS = 3;
/** Without a repeat the partner has stopped: twice the interval, so that one may be lost. */
export const PARTNER_TYPING_SECONDS = 6;

const NO_LONGER_TYPING: Effect = typing(false);

export function say(session: Session, id: string, written: string): Step {
  const text = sendable(written);
  if (session.phase.name !== 'talking' || !isVisible(text)) return [session, []];
  return [
    { ...session, chat: addMine(session.chat, id, text), typing: 'silent' },
    [
      ...deliver(session.phase.roomId, id, text),
      ...(session.typing === 'silent' ? [] : [NO_LONGER_TYPING]),
    ],
  ];
}

/** Under the same id, by which the partner's page knows a message that arrived after all. */
export function sayAgain(session: Session, id: string): Step {
  const text = textOf(session.chat, id, 'failed');
  if (session.phase.name !== 'talking' || text === null) return [session, []];
  return [
    { ...session, chat: mark(session.chat, id, 'sending') },
    deliver(session.phase.roomId, id, text),
  ];
}

export function delivered(session: Session, id: string): Step {
  return [{ ...session, chat: mark(session.chat, id, 'sent') }, []];
}

/** Without a socket nothing is late: what is underway is sent again over the next one. */
export function unconfirmed(session: Session, id: string, why: WhyUnsent = 'unanswered'): Step {
  if (session.socket.name !== 'open') return [session, []];
  if (textOf(session.chat, id, 'sending') === null) return [session, []];
  return [{ ...session, chat: fail(session.chat, id, why) }, []];
}

export function refused(session: Session, { id, code }: ErrorMessage['data']): Step {
  return id === undefined ? [session, []] : unconfirmed(session, id, code);
}

/** Outside a conversation it is a former partner's, overtaken by our own next or stop. */
export function read(session: Session, seat: Seat, data: ChatMessage['data']): Step {
  const { id, text, room_id: roomId } = data;
  if (session.phase.name !== 'talking') return [session, []];
  if (roomId !== undefined && roomId !== session.phase.roomId) return [session, []];
  const chat = addTheirs(session.chat, seat, id, text);
  return updatePartner({ ...session, chat }, seat, { typing: false });
}

export function notice(session: Session, text: string): Step {
  return [{ ...session, chat: addNotice(session.chat, text) }, []];
}

export function typed(session: Session, empty: boolean): Step {
  if (session.phase.name !== 'talking') return [session, []];
  if (empty) return typingPaused(session);
  const pause: Effect = { type: 'set_timer', timer: 'typing_pause', seconds: TYPING_SECONDS };
  if (session.typing === 'fresh') return [session, [pause]];
  return [
    { ...session, typing: 'fresh' },
    [typing(true), pause, { type: 'set_timer', timer: 'typing_repeat', seconds: TYPING_SECONDS }],
  ];
}

export function typingPaused(session: Session): Step {
  if (session.typing === 'silent') return [session, []];
  return [{ ...session, typing: 'silent' }, [NO_LONGER_TYPING]];
}

export function typingStale(session: Session): Step {
  return session.typing === 'fresh' ? [{ ...session, typing: 'stale' }, []] : [session, []];
}

export function partnerTyping(session: Session, seat: Seat, active: boolean): Step {
  const [next] = updatePartner(session, seat, { typing: active });
  if (!active || next === session) return [next, []];
  const timer = `partner_typing ${seat}` as const;
  return [next, [{ type: 'set_timer', timer, seconds: PARTNER_TYPING_SECONDS }]];
}

/** Over a new socket, under the ids they had: the relay passes over what did arrive. */
export function deliverUnderway(session: Session): Effect[] {
  const { phase, chat } = session;
  if (phase.name !== 'talking') return [];
  return underway(chat).flatMap(({ id, text }) => deliver(phase.roomId, id, text));
}

/** With the room: the relay may have put somebody else there before it hears this. */
function deliver(roomId: string, id: string, text: string): Effect[] {
  return [
    { type: 'send', message: { event: 'chat_message', data: { id, text, room_id: roomId } } },
    { type: 'set_timer', timer: `message ${id}`, seconds: CONFIRM_SECONDS },
  ];
}

function typing(active: boolean): Effect {
  return { type: 'send', message: { event: 'typing', data: { active } } };
}
