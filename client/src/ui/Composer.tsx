// Owns the message being written. It forgets it once sent and keeps it nowhere.

import { type FormEvent, useState } from 'react';
import { isVisible } from '../core/shown_text';
import styles from './Chat.module.css';
import { Icon } from './icons';

interface ComposerProps {
  readonly enabled: boolean;
  /** Counted by the browser in UTF-16 units, never fewer than the code points the relay counts. */
  readonly maxLength: number;
  readonly onTyped: (empty: boolean) => void;
  readonly onSay: (text: string) => void;
}

export function Composer({ enabled, maxLength, onTyped, onSay }: ComposerProps) {
  const [text, setText] = useState('');

  function type(written: string) {
    setText(written);
    onTyped(!isVisible(written));
  }

  function submit(event: FormEvent) {
    event.preventDefault();
    if (!isVisible(text)) return;
    onSay(text);
    setText('');
  }

  return (
    <form className={styles.composer} onSubmit={submit}>
      <input
        className={styles.message}
        type="text"
        aria-label="Message"
        placeholder="Message"
        autoComplete="off"
        enterKeyHint="send"
        dir="auto"
        maxLength={maxLength}
        disabled={!enabled}
        value={text}
        onChange={({ target }) => type(target.value)}
      />
      <button type="submit" className={styles.send} disabled={!enabled || !isVisible(text)}>
        <Icon name="send" />
        Send
      </button>
    </form>
  );
}
