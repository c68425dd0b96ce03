// Owns the message being written. It stays while partners come and go, and is kept nowhere else. What was begun for one
// person is not sent to another by a press that was meant for the first.

import type { RefObject, TargetedKeyboardEvent } from 'preact';
import { useState } from 'preact/hooks';
import { isVisible } from '../core/machine/shown_text';
import { chat as words } from '../words';
import styles from './Chat.module.css';
import { Icon } from './icons';

interface ComposerProps {
  readonly box: RefObject<HTMLTextAreaElement | null>;
  /** The conversation that is going on, if one is. Without one there is time to write, and nobody to send it to. */
  readonly roomId: string | null;
  /** Most characters of a message; null until the relay has told. */
  readonly limit: number | null;
  readonly onTyped: (empty: boolean) => void;
  readonly onSay: (text: string) => void;
}

/** From so many characters that are left on, their number is shown. */
const NEARLY_FULL = 100;

export function Composer({ box, roomId, limit, onTyped, onSay }: ComposerProps) {
  const [text, setText] = useState('');
  /** For whom this was begun; null: for the one who comes next. */
  const [begunFor, setBegunFor] = useState<string | null>(null);
  const [asked, setAsked] = useState(false);
  // As the relay counts them.
  const left = limit === null ? null : limit - [...text].length;
  const sendable = roomId !== null && isVisible(text) && (left === null || left >= 0);

  function type(written: string) {
    if (!isVisible(text)) setBegunFor(roomId);
    setText(written);
    setAsked(false);
    onTyped(!isVisible(written));
  }

  function submit(event: Event) {
    event.preventDefault();
    if (!sendable) return;
    // Send is about to rest under the focus, and the one who wrote writes on.
    if (event.currentTarget instanceof Node && event.currentTarget.contains(document.activeElement))
      box.current?.focus();
    if (begunFor !== null && begunFor !== roomId) {
      setBegunFor(roomId);
      setAsked(true);
      return;
    }
    onSay(text);
    setText('');
    setAsked(false);
  }

  /** Escape takes back what was written, and then leaves the box; only then it means the partner (Controls). */
  function takeBack(event: TargetedKeyboardEvent<HTMLTextAreaElement>) {
    event.preventDefault();
    if (text === '') event.currentTarget.blur();
    else type('');
  }

  /** Enter sends, and with Shift it begins a line. What composes a character means something else by it. */
  function press(event: TargetedKeyboardEvent<HTMLTextAreaElement>) {
    const composing = event.isComposing || event.keyCode === COMPOSING;
    if (event.key === 'Escape' && !composing) return takeBack(event);
    if (event.key !== 'Enter' || event.shiftKey || composing) return;
    event.preventDefault();
    event.currentTarget.form?.requestSubmit();
  }

  return (
    <form className={styles.composer} onSubmit={submit}>
      <textarea
        ref={box}
        className={styles.message}
        rows={1}
        aria-label={words.message}
        placeholder={words.message}
        autoComplete="off"
        enterkeyhint="send"
        dir="auto"
        value={text}
        onInput={({ currentTarget }) => type(currentTarget.value)}
        onKeyDown={press}
      />
      <button type="submit" className={styles.send} disabled={!sendable}>
        <Icon name="send" />
        <span className={styles.sendName}>{words.send}</span>
      </button>
      {/* One element in every state: a live region that comes and goes is not read out. */}
      <p className={styles.note} aria-live="polite">
        {noteFor(asked, left)}
      </p>
    </form>
  );
}

/** What Safari gives for the key that ends a composition. */
const COMPOSING = 229;

function noteFor(asked: boolean, left: number | null): string | null {
  if (asked) return words.begunForAnother;
  return left === null || left > NEARLY_FULL ? null : words.charactersLeft(left);
}
