// Owns a button whose order can't be taken back: it asks once more, in its own place.

import { useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import styles from './operator.module.css';

interface Props {
  label: string;
  question: string;
  act: () => unknown;
  disabled?: boolean;
}

export function Confirm({ label, question, act, disabled = false }: Props) {
  const [asked, setAsked] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  /** One button takes the place of the other, and the focus with it. */
  const ask = (again: boolean) => {
    flushSync(() => setAsked(again));
    button.current?.focus();
  };
  if (!asked) {
    return (
      <button ref={button} type="button" disabled={disabled} onClick={() => ask(true)}>
        {label}
      </button>
    );
  }
  const answer = (yes: boolean) => {
    ask(false);
    if (yes) act();
  };
  return (
    <span className={styles.confirm}>
      <span>{question}</span>
      <button ref={button} type="button" className={styles.danger} onClick={() => answer(true)}>
        {label}
      </button>
      <button type="button" onClick={() => answer(false)}>
        No
      </button>
    </span>
  );
}
