// Owns what follows from a state and the one before it, whichever the event was: who is sent and heard, what the relay is told of
// it, and what may be said over the socket there is.

import type { Effect, Step } from './effects';
import { isHeard, played } from './expected';
import * as pairing from './pairing';
import { same, sending, shared } from './sharing';
import type { Session } from './state';

/** A former partner was heard for up to 0.35 s by Chromium on a good link. It is shorter than it takes to say hello. */
export const HUSH_SECONDS = 0.4;

/** By then a picture flows, and the relay has taken back what the link of the last partner did not let through. */
export const PROBE_SECONDS = 0.5;

/** These come before the effects of the event: media stops before another partner is asked for. */
export function follow(before: Session, moved: Session): Step {
  const [begun, searching] = pairing.begin(moved);
  const [after, effects] = hush(before, begun);
  if (!same(before.on, after.on)) effects.push({ type: 'enable_devices', on: after.on });
  if (!same(sending(before), sending(after))) {
    effects.push({ type: 'send_media', sending: sending(after) });
  }
  if (sending(after).camera && !sending(before).camera) {
    effects.push({ type: 'set_timer', timer: 'probe', seconds: PROBE_SECONDS });
  }
  const told = shared(after);
  if (after.socket.name !== 'open' || same(after.told, told))
    return [after, [...effects, ...searching]];
  return [
    { ...after, told },
    [...effects, { type: 'send', message: { event: 'media_state', data: told } }, ...searching],
  ];
}

/** The sound of a former partner ends with their picture, whatever the browser still holds of it. */
function hush(before: Session, moved: Session): [Session, Effect[]] {
  const effects: Effect[] = [];
  const [was, is] = [played(before), played(moved)];
  const parted = was !== null && was !== is;
  const after: Session = parted ? { ...moved, hushed: true } : moved;
  if (parted) effects.push({ type: 'set_timer', timer: 'hush', seconds: HUSH_SECONDS });
  if (isHeard(before) !== isHeard(after)) effects.push({ type: 'hear', on: isHeard(after) });
  if (was !== is) effects.push({ type: 'play', on: is !== null });
  return [after, effects];
}

/** Nothing is said over a socket but `resume`, until it is open. What was to be said follows from the state then. */
export function isSayable({ socket: { name } }: Session, effect: Effect): boolean {
  return effect.type !== 'send' || name === 'open' || effect.message.event === 'resume';
}
