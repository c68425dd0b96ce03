// Owns the question whether it is still them, before what is grave.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { operator as words } from '../words';
import styles from './operator.module.css';
import type { OperatorSession } from './session';

export function Again({ session }: { session: OperatorSession }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useLayoutEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    return () => shown?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      className={styles.again}
      aria-labelledby="again"
      onCancel={(event) => {
        event.preventDefault();
        session.leaveIt();
      }}
    >
      <h2 id="again">{words.again}</h2>
      <p>{words.whyAgain}</p>
      <span className={styles.actions}>
        <button type="button" onClick={() => session.leaveIt()}>
          {words.cancel}
        </button>
        <button type="button" className={styles.main} onClick={() => void session.showAgain()}>
          {words.showIt}
        </button>
      </span>
    </dialog>
  );
}
