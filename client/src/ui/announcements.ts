// Owns what is said to who does not see the page, beyond its status: what the others write, and what they turn on and
// off. One's own words are not said again. Pure.

import type { DeviceKind } from '../core/machine/devices';
import { inSeat, othersOf } from '../core/machine/others';
import { shown } from '../core/machine/shown_text';
import type { Session } from '../core/machine/state';
import { announcements as words } from '../words';

const KINDS: readonly DeviceKind[] = ['microphone', 'camera'];

/** What happened between two states, in the order in which it is to be said. */
export function announcements(before: Session, after: Session): string[] {
  return [...ofDevices(before, after), ...ofChat(before, after)];
}

function ofDevices(before: Session, after: Session): string[] {
  const { mode } = after;
  if (mode === 'text') return [];
  const known = isSame(before, after) ? othersOf(before) : [];
  return othersOf(after).flatMap((partner) => {
    // To begin with, both are taken to be on.
    const was = inSeat(known, partner.seat) ?? { microphone: true, camera: true };
    return KINDS.filter(
      (kind) => partner[kind] !== was[kind] && (kind === 'microphone' || mode === 'video'),
    ).map((kind) => words.partnersDevice(kind, partner[kind]));
  });
}

function ofChat(before: Session, after: Session): string[] {
  if (before.chat === after.chat) return [];
  const newest = before.chat.at(-1)?.number ?? 0;
  return after.chat.flatMap((entry) => {
    if (entry.from === 'me' || (isSame(before, after) && entry.number <= newest)) return [];
    const text = shown(entry.text);
    return entry.from === 'partner' ? [words.partnerWrote(text)] : [text];
  });
}

function isSame({ phase: before }: Session, { phase: after }: Session): boolean {
  if (before.name !== 'talking' || after.name !== 'talking') return true;
  return before.roomId === after.roomId;
}
