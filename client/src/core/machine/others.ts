// Owns what is known of the others in a room: how it begins, and how it changes. Pure.

import type { PerDevice } from './devices';
import type { Step } from './effects';
import { PARTNER, type Seat } from './lines';
import type { Partner, Room, Session } from './state';

/** A room of two, as the protocol tells of it: there is one partner, who shares this. */
export function roomWith(roomId: string, shares: PerDevice<boolean>): Room {
  return { roomId, others: [newcomer(PARTNER, shares)] };
}

/** Anyone who comes in. */
export function newcomer(seat: Seat, { microphone, camera }: PerDevice<boolean>): Partner {
  return { seat, microphone, camera, typing: false, away: false, playback: 'playing' };
}

/** Nobody outside a conversation. */
export function othersOf({ phase }: Session): readonly Partner[] {
  return phase.name === 'talking' ? phase.others : [];
}

/** There is nobody at this moment, but they may be back. */
export function areAllAway(session: Session): boolean {
  const others = othersOf(session);
  return others.length > 0 && others.every(({ away }) => away);
}

/** Who is here in this seat, if anyone is. */
export function inSeat(others: readonly Partner[], seat: Seat): Partner | undefined {
  return others.find((partner) => partner.seat === seat);
}

/** Outside a conversation it is about somebody who was here before. */
export function updatePartner(session: Session, seat: Seat, changes: Partial<Partner>): Step {
  const { phase } = session;
  if (phase.name !== 'talking' || inSeat(phase.others, seat) === undefined) return [session, []];
  const others = phase.others.map((partner) =>
    partner.seat === seat ? { ...partner, ...changes } : partner,
  );
  return [{ ...session, phase: { ...phase, others } }, []];
}

/** What was missed is made up for; how somebody is seen and heard is known here alone. */
export function goOn(before: readonly Partner[], told: readonly Partner[]): readonly Partner[] {
  return told.map((partner) => {
    const known = inSeat(before, partner.seat);
    if (known === undefined) return partner;
    const { microphone, camera } = partner;
    return { ...known, microphone, camera, typing: false, away: false };
  });
}
