// Owns the region that a screen reader reads out as things happen. It is there for ears alone, and what was said does not
// stay, so that nobody comes upon it twice.

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Session } from '../core/machine/state';
import { announcements } from './announcements';

/** Longer than a screen reader takes to notice. */
const SAID_SECONDS = 4;

interface Said {
  readonly number: number;
  readonly text: string;
}

export function Announcer({ session }: { readonly session: Session }) {
  const before = useRef(session);
  const count = useRef(0);
  const [said, setSaid] = useState<readonly Said[]>([]);

  useEffect(() => {
    const news = announcements(before.current, session).map((text) => {
      count.current += 1;
      return { number: count.current, text };
    });
    before.current = session;
    if (news.length > 0) setSaid((earlier) => [...earlier, ...news]);
  }, [session]);

  useEffect(() => {
    if (said.length === 0) return;
    const timer = setTimeout(() => setSaid([]), SAID_SECONDS * 1000);
    return () => clearTimeout(timer);
  }, [said]);

  return (
    <div className="visually-hidden" aria-live="polite" data-announcer>
      {said.map(({ number, text }) => (
        <p key={number}>{text}</p>
      ))}
    </div>
  );
}
