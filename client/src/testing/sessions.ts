// States that tests begin from, each reached by the events that really lead there.

import type { Captured, DeviceKind, Permission } from '../core/machine/devices';
import type { Effect, Step, Timer } from '../core/machine/effects';
import type { SessionEvent } from '../core/machine/events';
import { newcomer } from '../core/machine/others';
import { found as enter } from '../core/machine/pairing';
import { reduce } from '../core/machine/session';
import { type Connection, FIRST_STATE, type Question, type Session } from '../core/machine/state';
import type {
  ClientMessage,
  ErrorMessage,
  Limits,
  PartingReason,
  Resumed,
  ServerMessage,
} from '../core/protocol';

export const LIMITS: Limits = {
  message_bytes: 65_536,
  chat_characters: 2_000,
  sdp_bytes: 49_152,
  sdp_lines: 1_200,
  candidates: 64,
};

export const CONNECTED: ServerMessage = {
  event: 'connected',
  data: {
    user_id: 'u',
    session_token: 'token',
    resume_window: 30,
    protocol: 1,
    keeps_chats: 0,
    limits: LIMITS,
    ice_servers: [{ urls: ['stun:relay.test'] }],
  },
};

export const FOUND = found('first');

export const LOOKING: ServerMessage = { event: 'waiting_for_partner', data: {} };

export const USING = { microphone: 'mic-1', camera: 'cam-1' };

export const OFFER = { sdp: 'the offer', lines: { 0: 'microphone' } } as const;
export const OFFERED: SessionEvent = {
  type: 'offered',
  sdp: OFFER.sdp,
  sections: { 0: { medium: 'microphone' } },
};
export const ANSWERED = received({ event: 'webrtc_answer', data: { sdp: 'the answer' } });
export const CUT: SessionEvent = { type: 'socket_lost', loss: 'closed' };
export const RESTARTED: SessionEvent = { type: 'socket_lost', loss: 'server_stopping' };

export function captured(
  using: Captured['using'],
  failures: Captured['failures'] = {},
): SessionEvent {
  return { type: 'captured', using, failures, muted: { microphone: false, camera: false } };
}

export function permitted(kind: DeviceKind, permission: Permission = 'granted'): SessionEvent {
  return { type: 'permission_changed', kind, permission };
}

export function became(connection: Connection): SessionEvent {
  return { type: 'connection_changed', connection };
}

export function ended(timer: Timer): SessionEvent {
  return { type: 'timer_ended', timer };
}

/** The room of FOUND, unless it says otherwise. */
export function resumed(state: Partial<Resumed['data']> = {}): ServerMessage {
  return {
    event: 'resumed',
    data: {
      user_id: 'u',
      session_token: 'token 2',
      ice_servers: [{ urls: ['stun:relay.test'], username: 'again' }],
      searching: false,
      room_id: 'first',
      microphone: true,
      camera: true,
      ...state,
    },
  };
}

export function found(roomId: string, microphone = true, camera = true): ServerMessage {
  return { event: 'partner_found', data: { room_id: roomId, microphone, camera } };
}

export function parted(reason: PartingReason, searching = false): ServerMessage {
  return { event: 'partner_disconnected', data: { reason, searching } };
}

export function error(
  code: ErrorMessage['data']['code'],
  details: Partial<ErrorMessage['data']> = {},
): SessionEvent {
  return received({ event: 'error', data: { code, message: 'A sentence.', ...details } });
}

export function received(message: ServerMessage): SessionEvent {
  return { type: 'received', message };
}

export function says(message: ClientMessage): Effect {
  return { type: 'send', message };
}

export function advance(session: Session, ...events: SessionEvent[]): Session {
  return events.reduce((state, event) => reduce(state, event)[0], session);
}

/** One step, without what this page alone does at every pairing and parting (playing.test.ts is about that). */
export function step(session: Session, event: SessionEvent): Step {
  const [next, effects] = reduce(session, event);
  return [next, effects.filter((effect) => !isOwn(effect))];
}

function isOwn(effect: Effect): boolean {
  if (effect.type === 'set_timer') return effect.timer === 'guard' || effect.timer === 'hush';
  return effect.type === 'hear' || effect.type === 'play';
}

/** What is to be done because of the event, as in `step`. */
export function effectsOf(session: Session, event: SessionEvent): readonly Effect[] {
  return step(session, event)[1];
}

export const PAGE_OPENED: SessionEvent = {
  type: 'page_opened',
  able: { calls: true, devices: true },
};
export const QUESTION: Question = {
  isNeeded: true,
  hasAgreed: false,
  rules: '2',
  html: '<h2>Be kind</h2>\n<ul>\n<li><strong>Only adults.</strong></li>\n</ul>',
  minimumAge: 18,
  imprint: null,
};
/** The relay has said what it asks of people. */
export function asks(question: Question | null): SessionEvent {
  return { type: 'consent_asked', question };
}
export const ASKED = advance(FIRST_STATE, PAGE_OPENED, asks(QUESTION));
/** Nobody has to agree to anything. */
export const OPENED = advance(FIRST_STATE, PAGE_OPENED, asks({ ...QUESTION, isNeeded: false }));
/** The person allowed both before. */
export const ALLOWED = advance(OPENED, permitted('camera'), permitted('microphone'));
export const GRANTED = advance(ALLOWED, captured(USING));
export const SOCKET_OPEN = advance(OPENED, received(CONNECTED));
export const READY = advance(GRANTED, received(CONNECTED), OFFERED, ANSWERED);
export const WAITING = advance(READY, { type: 'start' });
/** Long enough for a press to be meant. */
export const TALKING = advance(WAITING, received(FOUND), ended('guard'));
/** With three others. No message of the protocol leads there; the machine would be told so by what reads one. */
export const COMPANY = enter(WAITING, {
  roomId: 'first',
  others: [0, 1, 2].map((seat) => newcomer(seat, { microphone: true, camera: true })),
})[0];
export const PARTED = advance(TALKING, received(parted('left')));
/** Ended on purpose, so that only the person connects again. */
export const LOST = advance(READY, { type: 'socket_lost', loss: 'ended' });
/** In the middle of a conversation whose media is connected. */
export const CONNECTED_CALL = advance(TALKING, became('connected'));
export const RECONNECTING = advance(CONNECTED_CALL, CUT);
export const RESUMING = advance(RECONNECTING, ended('reconnect'), received(CONNECTED));
export const TEXT_READY = advance(READY, { type: 'choose_mode', mode: 'text' });
