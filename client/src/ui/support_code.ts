// Owns the code that a visitor reads to the operator, who finds the visit in the log by it. Pure.

import type { Session } from '../core/machine/state';

/** So many characters of the visitor's id are like no other's, and can be read out. */
const LENGTH = 8;

export function supportCode({ userId }: Pick<Session, 'userId'>): string | null {
  return userId?.slice(0, LENGTH) ?? null;
}
