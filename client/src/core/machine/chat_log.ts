// Owns the list of what was written in one conversation, what became of each message, and the list's
// bound. Nothing is kept anywhere else.

import type { ErrorCode } from '../protocol';
import type { Seat } from './lines';

export type Delivery = 'sending' | 'sent' | 'failed';

/** Why a message was not sent: the relay's refusal, no word of it within the time for it, or its session was gone. */
export type WhyUnsent = ErrorCode | 'unanswered' | 'cut_off';

interface Entry {
  /** Tells entries apart for as long as the conversation lasts. */
  readonly number: number;
  readonly text: string;
}

export interface Mine extends Entry {
  readonly from: 'me';
  readonly id: string;
  readonly delivery: Delivery;
  /** The last time that it failed. */
  readonly why?: WhyUnsent;
}

export interface Theirs extends Entry {
  readonly from: 'partner';
  /** Whose it is. */
  readonly seat: Seat;
  /** Means something only to its writer. */
  readonly id: string;
}

export interface Notice extends Entry {
  readonly from: 'notice';
}

export type ChatEntry = Mine | Theirs | Notice;

export type ChatLog = readonly ChatEntry[];

/** Beyond this the oldest entries go. */
export const MAX_ENTRIES = 500;

export function addMine(log: ChatLog, id: string, text: string): ChatLog {
  return append(log, { from: 'me', id, text, delivery: 'sending', number: after(log) });
}

/** Passes over what is there already: its writer tried again, not knowing that it had arrived. */
export function addTheirs(log: ChatLog, seat: Seat, id: string, text: string): ChatLog {
  const arrived = log.some(
    (entry) => entry.from === 'partner' && entry.seat === seat && entry.id === id,
  );
  return arrived ? log : append(log, { from: 'partner', seat, id, text, number: after(log) });
}

export function addNotice(log: ChatLog, text: string): ChatLog {
  return append(log, { from: 'notice', text, number: after(log) });
}

/** The text of our own message, as long as it has this delivery. */
export function textOf(log: ChatLog, id: string, delivery: Delivery): string | null {
  const found = log.find(
    (entry) => entry.from === 'me' && entry.id === id && entry.delivery === delivery,
  );
  return found?.text ?? null;
}

export function mark(log: ChatLog, id: string, delivery: 'sending' | 'sent'): ChatLog {
  return log.map((entry) =>
    entry.from === 'me' && entry.id === id ? { ...entry, delivery } : entry,
  );
}

export function fail(log: ChatLog, id: string, why: WhyUnsent): ChatLog {
  return log.map((entry) =>
    entry.from === 'me' && entry.id === id ? { ...entry, delivery: 'failed', why } : entry,
  );
}

/** Our own messages that are on their way, oldest first. */
export function underway(log: ChatLog): readonly { readonly id: string; readonly text: string }[] {
  return log.flatMap((entry) =>
    entry.from === 'me' && entry.delivery === 'sending' ? [{ id: entry.id, text: entry.text }] : [],
  );
}

/** The id of the others' newest message that arrived; null when there is none. */
export function newestTheirs(log: ChatLog): string | null {
  const newest = log.findLast((entry) => entry.from === 'partner');
  return newest?.from === 'partner' ? newest.id : null;
}

/** What is still on its way will not arrive. */
export function failAll(log: ChatLog): ChatLog {
  return log.map((entry) =>
    entry.from === 'me' && entry.delivery === 'sending'
      ? { ...entry, delivery: 'failed', why: 'cut_off' }
      : entry,
  );
}

function after(log: ChatLog): number {
  return (log.at(-1)?.number ?? 0) + 1;
}

function append(log: ChatLog, entry: ChatEntry): ChatLog {
  return [...log, entry].slice(-MAX_ENTRIES);
}
