// Owns what a person can tell whoever runs the server, so that they find this visit in its log. Pure.

import type { Session } from '../core/state';

/** So many characters of the visitor's id are like no other's, and can be read out. */
const LENGTH = 8;

export function supportCode({ userId }: Pick<Session, 'userId'>): string | null {
  return userId?.slice(0, LENGTH) ?? null;
}
