// Owns what the person shares: what a mode asks for, what the others may have of it, and what is
// sent at this moment.

import type { Mode } from '../protocol';
import type { DeviceKind, PerDevice, Wanted } from './devices';
import type { Session } from './state';

const KINDS_OF: Record<Mode, readonly DeviceKind[]> = {
  video: ['microphone', 'camera'],
  audio: ['microphone'],
  text: [],
};

export function uses(mode: Mode, kind: DeviceKind): boolean {
  return KINDS_OF[mode].includes(kind);
}

export function kindsOf(mode: Mode): readonly DeviceKind[] {
  return KINDS_OF[mode];
}

/** The devices of this mode, the picked ones where the person picked. */
export function wanted({ mode, picked }: Session): Wanted {
  return Object.fromEntries(KINDS_OF[mode].map((kind) => [kind, picked[kind]]));
}

/** What the others are told: devices that the mode has, that are switched on, and that give something. */
export function shared(session: Session): PerDevice<boolean> {
  const of = (kind: DeviceKind) =>
    uses(session.mode, kind) && session.on[kind] && gives(session, kind);
  return { microphone: of('microphone'), camera: of('camera') };
}

/** Nothing leaves the browser outside a conversation. */
export function sending(session: Session): PerDevice<boolean> {
  if (session.phase.name !== 'talking') return { microphone: false, camera: false };
  return shared(session);
}

export function same(one: PerDevice<boolean>, other: PerDevice<boolean>): boolean {
  return one.microphone === other.microphone && one.camera === other.camera;
}

/** Before they are open nothing is known against them. */
function gives({ capture }: Session, kind: DeviceKind): boolean {
  return capture.name !== 'open' || (capture.using[kind] !== null && !capture.muted[kind]);
}
