// States that tests begin from, each reached by the events that really lead there.

import type { Limits, ServerMessage } from '../core/protocol';
import { reduce } from '../core/session';
import { FIRST_STATE, type Session, type SessionEvent } from '../core/state';

export const LIMITS: Limits = {
  message_bytes: 65_536,
  chat_characters: 2_000,
  sdp_bytes: 49_152,
  sdp_lines: 1_200,
  candidates: 64,
};

export const CONNECTED: ServerMessage = {
  event: 'connected',
  data: { user_id: 'u', protocol: 1, limits: LIMITS, ice_servers: [{ urls: ['stun:relay.test'] }] },
};

export const FOUND: ServerMessage = {
  event: 'partner_found',
  data: { room_id: 'first', microphone: true, camera: true },
};

export function advance(session: Session, ...events: SessionEvent[]): Session {
  return events.reduce((state, event) => reduce(state, event)[0], session);
}

export function received(message: ServerMessage): SessionEvent {
  return { type: 'received', message };
}

export const READY = advance(FIRST_STATE, { type: 'camera_granted' }, received(CONNECTED));
export const WAITING = advance(READY, { type: 'start' });
export const TALKING = advance(WAITING, received(FOUND));
export const PARTNER_LEFT = advance(
  TALKING,
  received({ event: 'partner_disconnected', data: { reason: 'left', searching: false } }),
);
