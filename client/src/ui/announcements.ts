// Owns what is said to who does not see the page, beyond its status: what the partner writes, and what they turn on and
// off. One's own words are not said again. Pure.

import type { DeviceKind } from '../core/machine/devices';
import { shown } from '../core/machine/shown_text';
import type { Session } from '../core/machine/state';
import { announcements as words } from '../words';

const KINDS: readonly DeviceKind[] = ['microphone', 'camera'];

/** What happened between two states, in the order in which it is to be said. */
export function announcements(before: Session, after: Session): string[] {
  return [...ofDevices(before, after), ...ofChat(before, after)];
}

function ofDevices(before: Session, after: Session): string[] {
  const { phase, mode } = after;
  if (phase.name !== 'talking' || mode === 'text') return [];
  // To begin with, both are taken to be on.
  const was =
    before.phase.name === 'talking' && before.phase.roomId === phase.roomId
      ? before.phase.partner
      : { microphone: true, camera: true };
  return KINDS.filter(
    (kind) => phase.partner[kind] !== was[kind] && (kind === 'microphone' || mode === 'video'),
  ).map((kind) => words.partnersDevice(kind, phase.partner[kind]));
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
