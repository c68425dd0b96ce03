// Owns the buttons. Start and Next are one element with two names, so that a keyboard's focus stays
// on it from the first partner to the last.

import { useRef } from 'react';
import { isReady, type Session } from '../core/state';
import styles from './Controls.module.css';

interface ControlsProps {
  readonly session: Session;
  readonly onStart: () => void;
  readonly onNext: () => void;
  readonly onStop: () => void;
}

export function Controls({ session, onStart, onNext, onStop }: ControlsProps) {
  const primary = useRef<HTMLButtonElement>(null);
  const idle = session.phase.name === 'idle';

  function stop() {
    // Stop is about to vanish from under the focus.
    primary.current?.focus();
    onStop();
  }

  return (
    <div className={styles.controls}>
      <button
        ref={primary}
        type="button"
        className={styles.primary}
        disabled={idle && !isReady(session)}
        onClick={idle ? onStart : onNext}
      >
        {idle ? 'Start' : 'Next'}
      </button>
      {!idle && (
        <button type="button" className={styles.secondary} onClick={stop}>
          Stop
        </button>
      )}
    </div>
  );
}
