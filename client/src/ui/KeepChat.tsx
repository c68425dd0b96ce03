// Owns the quiet line below a chat that says whether it is kept, and lets the person want it.

import type { PersonEvent } from '../core/machine/events';
import type { Keeping, Session } from '../core/machine/state';
import { chat as words } from '../words';
import styles from './KeepChat.module.css';

interface KeepChatProps {
  readonly session: Session;
  readonly onAct: (event: PersonEvent) => void;
}

export function KeepChat({ session, onAct }: KeepChatProps) {
  const { keepsChats, keeping, phase } = session;
  if (keepsChats === 0 || phase.name !== 'talking') return null;
  const said = sentence(keeping);
  return (
    <div className={styles.keep}>
      <p className={styles.said} aria-live="polite">
        {said}
      </p>
      <button
        type="button"
        className={styles.button}
        title={keeping.own ? words.keepNoMoreMeans : words.keepMeans(keepsChats)}
        onClick={() => onAct({ type: 'keep_chat', keep: !keeping.own })}
      >
        {keeping.own ? words.keepNoMore(keeping.until !== null) : words.keep(keeping.partner)}
      </button>
    </div>
  );
}

function sentence({ own, partner, until, failed }: Keeping): string {
  if (failed) return words.notKeptAnyMore;
  if (until !== null) return words.keptUntil(until);
  if (own) return partner ? words.beginsToBeKept : words.partnerIsAsked;
  return partner ? words.partnerAsks : words.isNotKept;
}
