// Owns what is written: the log and the box below it. A stranger's words are shown as text and never
// as anything else: no markup, no links.

import { useEffect, useRef } from 'react';
import type { Session } from '../core/state';
import styles from './Chat.module.css';
import { Composer } from './Composer';

interface ChatProps {
  readonly session: Session;
  readonly onSay: (text: string) => void;
}

export function Chat({ session, onSay }: ChatProps) {
  const { chat, link, phase } = session;
  const log = useRef<HTMLDivElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new entry is what scrolls the log.
  useEffect(() => {
    log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [chat]);

  return (
    <section className={styles.chat} aria-label="Messages">
      {chat.length === 0 && <p className={styles.empty}>{invitation(session)}</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls what it can focus. */}
      <div ref={log} className={styles.log} role="log" aria-label="Chat" tabIndex={0}>
        {chat.map(({ id, from, text }) => (
          <p key={id} className={styles[from]} dir="auto">
            {text}
          </p>
        ))}
      </div>
      {/* Keyed by conversation: half a sentence to one stranger never reaches the next. */}
      <Composer
        key={phase.name === 'talking' ? phase.roomId : 'nobody'}
        enabled={phase.name === 'talking'}
        maxLength={link.name === 'open' ? link.limits.chat_characters : 0}
        onSay={onSay}
      />
    </section>
  );
}

function invitation({ phase }: Session): string {
  return phase.name === 'talking' ? 'Say hello.' : 'Messages appear here once you are talking.';
}
