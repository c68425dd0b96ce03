// Owns a button whose order can't be taken back: it asks once more, in its own place.

import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { operator as words } from '../words';
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
  const takesFocus = useRef(false);
  // One button takes the place of the other, and the focus with it.
  useLayoutEffect(() => {
    if (takesFocus.current) button.current?.focus();
  }, [asked]);
  const ask = (again: boolean) => {
    takesFocus.current = true;
    setAsked(again);
  };
  if (!asked) {
    return (
      <button ref={button} type="button" disabled={disabled} onClick={() => ask(true)}>
        {label}
      </button>
    );
  }
  const answer = (yes: boolean) => {
    const focused = document.activeElement;
    ask(false);
    if (yes) act();
    // What was ordered may have moved it.
    takesFocus.current = document.activeElement === focused;
  };
  return (
    <span className={styles.confirm}>
      <span>{question}</span>
      <button ref={button} type="button" className={styles.danger} onClick={() => answer(true)}>
        {label}
      </button>
      <button type="button" onClick={() => answer(false)}>
        {words.no}
      </button>
    </span>
  );
}
