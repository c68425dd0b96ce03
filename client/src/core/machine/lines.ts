// Owns the names of what a browser sends and of where it receives, and how the protocol calls them. A line is what it sends of
// one medium; a slot is where it receives one of the others' medium.

import type { Role } from '../protocol';

/** One kind of stream of one person. */
export type Medium = 'microphone' | 'camera' | 'screen';

/** In the order of the sections in an offer. */
export const MEDIA: readonly Medium[] = ['microphone', 'camera', 'screen'];

/** Which of the others: those whom a browser is shown are numbered from zero. */
export type Seat = number;

/** Those that a connection has slots for. */
export const SEATS: readonly Seat[] = [0];

/** Whom the protocol calls the partner: it tells of all the others as of one. */
export const PARTNER: Seat = 0;

/** What comes while there is no connection. */
export const NOTHING_RECEIVED: ReadonlyMap<Seat, null> = new Map(SEATS.map((seat) => [seat, null]));

export interface Line {
  readonly medium: Medium;
}

export interface Slot {
  readonly seat: Seat;
  readonly medium: Medium;
}

/** What each section of an offer carries, by its mid. */
export type Sections = Readonly<Record<string, Line | Slot>>;

/** In the protocol's words. What it has none for is not told, and the relay refuses that section. */
export function rolesOf(sections: Sections): Record<string, Role> {
  const roles: Record<string, Role> = {};
  for (const [mid, section] of Object.entries(sections)) {
    const role = roleOf(section);
    if (role !== null) roles[mid] = role;
  }
  return roles;
}

function roleOf(section: Line | Slot): Role | null {
  if (!('seat' in section)) return section.medium;
  return section.seat === PARTNER ? `partner_${section.medium}` : null;
}
