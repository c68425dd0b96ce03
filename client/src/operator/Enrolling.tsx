// Owns somebody's first time: they came by a link of theirs, and make the passkey that they sign in with from then on.

import { operator as words } from '../words';
import styles from './Login.module.css';
import shared from './operator.module.css';
import type { OperatorSession, State } from './session';

interface Props {
  session: OperatorSession;
  state: Extract<State, { view: 'enrolling' }>;
}

export function Enrolling({ session, state: { who, refusal, busy } }: Props) {
  return (
    <main className={styles.lock}>
      <div className={styles.lockCard}>
        <h1>{who === null ? words.title : words.welcome(who.name)}</h1>
        {who !== null && <p>{words.youAre(who.roles)}</p>}
        {who !== null && session.hasPasskeys && (
          <>
            <p className={shared.soft}>{words.passkeyIs}</p>
            <button
              type="button"
              className={styles.primary}
              disabled={busy}
              onClick={() => void session.enrol()}
            >
              {busy ? words.looking : words.makePasskey}
            </button>
          </>
        )}
        <p role="alert" className={styles.refusal}>
          {who !== null && !session.hasPasskeys ? words.noPasskeysHere : refusal}
        </p>
        {who === null && !busy && (
          <button type="button" className={styles.second} onClick={() => session.lock()}>
            {words.toSignIn}
          </button>
        )}
      </div>
    </main>
  );
}
