// Owns the message being written. It forgets it once sent and keeps it nowhere.

import { type FormEvent, useState } from 'react';
import styles from './Chat.module.css';

interface ComposerProps {
  readonly enabled: boolean;
  /** Counted by the browser in UTF-16 units, never fewer than the code points the relay counts. */
  readonly maxLength: number;
  readonly onSay: (text: string) => void;
}

export function Composer({ enabled, maxLength, onSay }: ComposerProps) {
  const [text, setText] = useState('');

  function submit(event: FormEvent) {
    event.preventDefault();
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
        onChange={(event) => setText(event.target.value)}
      />
      <button type="submit" className={styles.send} disabled={!enabled || text.trim() === ''}>
        Send
      </button>
    </form>
  );
}
