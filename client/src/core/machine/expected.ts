// What is to be seen and heard of the partner at this moment, and of whom. Pure.

import type { Medium } from '../protocol';
import type { Session } from './state';

export interface Expected {
  readonly roomId: string;
  readonly medium: Medium;
}

/** What there is to see of a picture that is expected: frames, none any more, or none so far. Only the <video> can tell. */
export type Sight = 'moving' | 'frozen' | 'late';

/** Null outside a conversation, and in one that is only written. */
export function expected(session: Session): Expected | null {
  const { phase, mode } = session;
  if (phase.name !== 'talking' || mode === 'text') return null;
  // One that can't be shown may still come, but nobody waits for it.
  const seen = isPictureExpected(session) && phase.partner.unseen !== true;
  return { roomId: phase.roomId, medium: seen ? 'picture' : 'sound' };
}

/** Media goes on when the partner's socket is lost, but not through a server that has ended. */
export function isPictureExpected({ phase, mode, socket }: Session): boolean {
  if (phase.name !== 'talking' || mode !== 'video') return false;
  const ended = socket.name === 'reconnecting' && socket.outage === 'server_stopping';
  return phase.partner.camera && !ended;
}

/** The conversation whose picture and sound are to be played; null: none is. */
export function played({ phase, mode }: Session): string | null {
  return phase.name === 'talking' && mode !== 'text' ? phase.roomId : null;
}

/** A former partner is not heard with the next: their sound is in the browser's buffer for a moment. */
export function isHeard(session: Session): boolean {
  return played(session) !== null && !session.hushed;
}
