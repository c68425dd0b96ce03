// Owns the question whether the person has to agree to something before they meet somebody, and their answer. The cookie that
// remembers it is the server's: no script can read it.

import type { Sent } from '../machine/consent';
import type { Question } from '../machine/state';

const PATIENCE = 5_000;

/** Beside the page, wherever that is served. */
export const CONSENT = 'videochat/consent';
export const PRIVACY = 'videochat/privacy';
export const MINE = 'videochat/me';
export const MY_FILE = 'videochat/me/export';

/** As the relay says it (relay/web/consent.py). */
export interface Told {
  readonly is_needed: boolean;
  readonly has_agreed: boolean;
  readonly rules: string;
  readonly rules_html: string;
  readonly minimum_age: number;
  readonly site: Site;
}

/** Who runs this place; null: they do not say. */
export interface Site {
  readonly name: string | null;
  readonly contact: string | null;
  readonly imprint: string | null;
  readonly links: readonly { readonly title: string; readonly url: string }[];
}

/** Days for which things are kept; null: they are not. */
export interface Kept {
  readonly site: Site;
  readonly consent: boolean;
  readonly cookie_days: number;
  readonly visits_days: number | null;
  readonly sums_days: number | null;
  readonly chats_days: number | null;
  readonly accounts: boolean;
  /** Hosts of TURN servers outside, which see addresses. */
  readonly turn: readonly string[];
}

/** What is kept of the person who asks, by their cookie (relay/web/me.py). */
export interface Mine {
  /** By which the operator finds it; null: there is no cookie. */
  readonly code: string | null;
  /** How much of each kind. */
  readonly kept: Readonly<Record<string, number>>;
}

/** Null where nothing answers that knows of it. */
export async function askConsent(): Promise<Question | null> {
  const told = await tell<Told>(CONSENT, 'is_needed');
  if (told === null) return null;
  return {
    isNeeded: told.is_needed,
    hasAgreed: told.has_agreed,
    rules: told.rules,
    html: told.rules_html,
    minimumAge: told.minimum_age,
    imprint: told.site.imprint,
  };
}

export async function giveConsent(rules: string): Promise<Sent> {
  try {
    const response = await fetch(CONSENT, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ rules, is_of_age: true }),
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.ok) return 'agreed';
    return response.status === 409 ? 'outdated' : 'failed';
  } catch {
    return 'failed';
  }
}

/** Whether it is done. */
export function withdrawConsent(): Promise<boolean> {
  return remove(CONSENT);
}

/** All that is kept of them. Whether it is done. */
export function eraseMine(): Promise<boolean> {
  return remove(MINE);
}

async function remove(address: string): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    return (await fetch(address, { method: 'DELETE', signal })).ok;
  } catch {
    return false;
  }
}

/** What the relay tells at this address; null where what answers is no relay. `field` is one of what it tells. */
export async function tell<What extends object>(
  address: string,
  field: keyof What & string,
): Promise<What | null> {
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    const told: unknown = await (await fetch(address, { cache: 'no-store', signal })).json();
    return typeof told === 'object' && told !== null && field in told ? (told as What) : null;
  } catch {
    return null;
  }
}
