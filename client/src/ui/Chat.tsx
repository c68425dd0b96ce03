// Owns what is written: the log and the box below it. A stranger's words are shown as text and never
// as anything else: no markup, no links.

import { useEffect, useRef } from 'preact/hooks';
import { randomName } from '../core/browser/random_name';
import type { ChatEntry, Mine } from '../core/machine/chat_log';
import type { PersonEvent } from '../core/machine/events';
import { othersOf } from '../core/machine/others';
import type { Session } from '../core/machine/state';
import { chat as words } from '../words';
import styles from './Chat.module.css';
import { Composer } from './Composer';
import { Icon } from './icons';
import { KeepChat } from './KeepChat';
import { Message } from './Message';
import { useScrolledLog } from './scrolled_log';

interface ChatProps {
  readonly session: Session;
  readonly onAct: (event: PersonEvent) => void;
}

export function Chat({ session, onAct }: ChatProps) {
  const { chat, limits, mode, phase } = session;
  const box = useRef<HTMLTextAreaElement>(null);
  const talking = phase.name === 'talking' ? phase : null;
  const roomId = talking?.roomId ?? null;
  const newestOfMine = chat.findLast(({ from }) => from === 'me');
  const failed = talking === null ? [] : chat.filter(maySendAgain);
  const { log, unread, look, toEnd } = useScrolledLog(chat);

  // Who writes to somebody does not press Next by the way.
  useEffect(() => {
    if (roomId !== null && isToBeWrittenIn(mode)) box.current?.focus({ preventScroll: true });
  }, [roomId, mode]);

  function toNewest() {
    toEnd();
    // The button is about to vanish from under the focus.
    log.current?.focus({ preventScroll: true });
  }

  function sendAgain(entries: readonly Mine[]) {
    // The button is about to vanish from under the focus.
    log.current?.focus({ preventScroll: true });
    for (const { id } of entries) onAct({ type: 'say_again', id });
  }

  return (
    <section className={styles.chat} aria-label={words.title}>
      {chat.length === 0 && (
        <p className={styles.empty}>{talking !== null ? words.sayHello : words.notYet}</p>
      )}
      <div
        ref={log}
        className={styles.log}
        role="log"
        aria-label={words.log}
        // What is news in it, Announcer says: one's own words are none.
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a keyboard scrolls what it can focus.
        tabIndex={0}
        onScroll={look}
      >
        {chat.map((entry) => (
          <Message
            key={entry.number}
            entry={entry}
            newest={entry === newestOfMine}
            onRetry={talking !== null && maySendAgain(entry) ? () => sendAgain([entry]) : null}
            onRetryAll={
              failed.length > 1 && entry === failed.at(-1) ? () => sendAgain(failed) : null
            }
          />
        ))}
      </div>
      {unread > 0 && (
        <button type="button" className={styles.unread} onClick={toNewest}>
          {words.unread(unread)}
          <Icon name="down" size={16} />
        </button>
      )}
      <div className={styles.typing} aria-live="polite">
        {othersOf(session).some(({ typing }) => typing) && <p>{words.partnerTyping}</p>}
      </div>
      <KeepChat session={session} onAct={onAct} />
      <Composer
        box={box}
        roomId={roomId}
        limit={limits?.chat_characters ?? null}
        onTyped={(empty) => onAct({ type: 'typed', empty })}
        onSay={(text) => onAct({ type: 'say', id: randomName(), text })}
      />
    </section>
  );
}

/**
 * When a partner was found. A touch screen would open its keyboard over the faces; and who chooses a device, or reads, is
 * not called away.
 */
function isToBeWrittenIn(mode: Session['mode']): boolean {
  if (mode !== 'text' && window.matchMedia('(pointer: coarse)').matches) return false;
  return document.activeElement?.closest('[popover], [role="log"]') === null;
}

/** What is too long, or cannot be read, is so the second time. */
function maySendAgain(entry: ChatEntry): entry is Mine {
  if (entry.from !== 'me' || entry.delivery !== 'failed') return false;
  return entry.why !== 'message_too_large' && entry.why !== 'invalid_message';
}
