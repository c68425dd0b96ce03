// Owns a button whose order can't be taken back: it asks once more, in its own place.

import { useState } from 'preact/hooks';
import styles from './operator.module.css';

interface Props {
  label: string;
  question: string;
  act: () => unknown;
  disabled?: boolean;
}

export function Confirm({ label, question, act, disabled = false }: Props) {
  const [asked, setAsked] = useState(false);
  if (!asked) {
    return (
      <button type="button" disabled={disabled} onClick={() => setAsked(true)}>
        {label}
      </button>
    );
  }
  const answer = (yes: boolean) => {
    setAsked(false);
    if (yes) act();
  };
  return (
    <span className={styles.confirm}>
      <span>{question}</span>
      <button type="button" className={styles.danger} onClick={() => answer(true)}>
        {label}
      </button>
      <button type="button" onClick={() => answer(false)}>
        No
      </button>
    </span>
  );
}
