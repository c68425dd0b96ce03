// Owns the list of what was written in one conversation, and its bound. Nothing is kept anywhere else.

export type Author = 'me' | 'partner' | 'notice';

export interface ChatEntry {
  /** Tells entries apart for as long as the conversation lasts. */
  readonly id: number;
  readonly from: Author;
  readonly text: string;
}

export type ChatLog = readonly ChatEntry[];

/** Beyond this the oldest entries go. */
export const MAX_ENTRIES = 500;

export function append(log: ChatLog, from: Author, text: string): ChatLog {
  const id = (log.at(-1)?.id ?? 0) + 1;
  return [...log, { id, from, text }].slice(-MAX_ENTRIES);
}
