// Owns what is written: the log and the box below it. A stranger's words are shown as text and never
// as anything else: no markup, no links.

import { useEffect, useRef } from 'react';
import { newMessageId } from '../core/message_id';
import type { PersonEvent, Session } from '../core/state';
import styles from './Chat.module.css';
import { Composer } from './Composer';
import { Message } from './Message';

interface ChatProps {
  readonly session: Session;
  readonly onAct: (event: PersonEvent) => void;
}

export function Chat({ session, onAct }: ChatProps) {
  const { chat, limits, phase } = session;
  const log = useRef<HTMLDivElement>(null);
  const talking = phase.name === 'talking' ? phase : null;
  const newestOfMine = chat.findLast(({ from }) => from === 'me');

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new entry is what scrolls the log.
  useEffect(() => {
    log.current?.scrollTo({ top: log.current.scrollHeight });
  }, [chat]);

  return (
    <section className={styles.chat} aria-label="Messages">
      {chat.length === 0 && (
        <p className={styles.empty}>
          {talking !== null ? 'Say hello.' : 'Messages appear here once you are talking.'}
        </p>
      )}
      <div
        ref={log}
        className={styles.log}
        role="log"
        aria-label="Chat"
        // A message that is confirmed is no news.
        aria-relevant="additions"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls what it can focus.
        tabIndex={0}
      >
        {chat.map((entry) => (
          <Message
            key={entry.number}
            entry={entry}
            newest={entry === newestOfMine}
            onRetry={talking !== null ? (id) => onAct({ type: 'say_again', id }) : null}
          />
        ))}
      </div>
      {talking?.partner.typing === true && <p className={styles.typing}>Your partner is typing…</p>}
      {/* Keyed by conversation: half a sentence to one stranger never reaches the next. */}
      <Composer
        key={talking?.roomId ?? 'nobody'}
        enabled={talking !== null}
        maxLength={limits?.chat_characters ?? 0}
        onTyped={(empty) => onAct({ type: 'typed', empty })}
        onSay={(text) => onAct({ type: 'say', id: newMessageId(), text })}
      />
    </section>
  );
}
