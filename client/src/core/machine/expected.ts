// What is to be seen and heard of the others at this moment, and of whom. Pure.

import type { FirstSign } from '../protocol';
import type { Seat } from './lines';
import type { Partner, Session } from './state';

export interface Expected {
  readonly roomId: string;
  readonly medium: FirstSign;
}

/** What there is to see of a picture that is expected: frames, none any more, or none so far. Only the <video> can tell. */
export type Sight = 'moving' | 'frozen' | 'late';

/** What each <video> told last, and of which conversation. Null: no picture is expected. */
export type Seen = ReadonlyMap<Seat, { readonly roomId: string; readonly sight: Sight | null }>;

/** In the conversation that is going on. */
export function sightsIn({ phase }: Session, seen: Seen): ReadonlyMap<Seat, Sight> {
  const sights = new Map<Seat, Sight>();
  for (const [seat, { roomId, sight }] of seen) {
    if (phase.name === 'talking' && phase.roomId === roomId && sight !== null) {
      sights.set(seat, sight);
    }
  }
  return sights;
}

/** Null outside a conversation, and in one that is only written. */
export function expected(session: Session): Expected | null {
  const { phase, mode } = session;
  if (phase.name !== 'talking' || mode === 'text') return null;
  // One that can't be shown may still come, but nobody waits for it.
  const seen = phase.others.some(
    (partner) => isPictureExpected(session, partner) && partner.unseen !== true,
  );
  return { roomId: phase.roomId, medium: seen ? 'picture' : 'sound' };
}

/** Media goes on when somebody's socket is lost, but not through a server that has ended. */
export function isPictureExpected({ mode, socket }: Session, { camera }: Partner): boolean {
  const ended = socket.name === 'reconnecting' && socket.outage === 'server_stopping';
  return mode === 'video' && camera && !ended;
}

/** What there is to see of all of them: a picture, if one of them gives one. */
export function together(sights: ReadonlyMap<Seat, Sight>): Sight | null {
  const each = [...sights.values()];
  return each.find((sight) => sight === 'moving') ?? each[0] ?? null;
}

/** The conversation whose picture and sound are to be played; null: none is. */
export function played({ phase, mode }: Session): string | null {
  return phase.name === 'talking' && mode !== 'text' ? phase.roomId : null;
}

/** A former partner is not heard with the next: their sound is in the browser's buffer for a moment. */
export function isHeard(session: Session): boolean {
  return played(session) !== null && !session.hushed;
}
