// Owns where the log is scrolled to: at its end, unless the person has gone back to read.

import type { RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ChatEntry, ChatLog } from '../core/machine/chat_log';

/** Who is so near the end, in pixels, is at the end. */
const NEAR = 40;

export interface ScrolledLog {
  readonly log: RefObject<HTMLDivElement | null>;
  /** Entries of others that came below what is seen. */
  readonly unread: number;
  /** The log was scrolled. */
  readonly look: () => void;
  readonly toEnd: () => void;
}

export function useScrolledLog(chat: ChatLog): ScrolledLog {
  const log = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  /** The newest entry that was seen. */
  const [seen, setSeen] = useState(0);
  const newest = chat.at(-1);

  useEffect(() => {
    // A new conversation, or one's own words: they are at the end.
    if (newest === undefined || newest.from === 'me') follows.current = true;
    if (!follows.current) return;
    log.current?.scrollTo({ top: log.current.scrollHeight });
    setSeen(newest?.number ?? 0);
  }, [newest]);

  // A keyboard that opens takes away what was seen last.
  useEffect(() => {
    const at = log.current;
    if (at === null) return;
    const watch = new ResizeObserver(() => {
      if (follows.current) at.scrollTo({ top: at.scrollHeight });
    });
    watch.observe(at);
    return () => watch.disconnect();
  }, []);

  function look() {
    const at = log.current;
    if (at === null) return;
    follows.current = at.scrollHeight - at.scrollTop - at.clientHeight < NEAR;
    if (follows.current) setSeen(newest?.number ?? 0);
  }

  function toEnd() {
    log.current?.scrollTo({ top: log.current.scrollHeight });
    follows.current = true;
    setSeen(newest?.number ?? 0);
  }

  return { log, unread: chat.filter((entry) => isNews(entry, seen)).length, look, toEnd };
}

function isNews({ from, number }: ChatEntry, seen: number): boolean {
  return from !== 'me' && number > seen;
}
