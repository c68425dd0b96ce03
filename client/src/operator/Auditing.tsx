// Owns what somebody sees who may read what was done, and not the server.

import { operator as words } from '../words';
import { Audit } from './Audit';
import styles from './operator.module.css';
import type { OperatorSession, State } from './session';
import { Who } from './Who';

interface Props {
  session: OperatorSession;
  state: Extract<State, { view: 'auditing' }>;
}

export function Auditing({ session, state: { me } }: Props) {
  return (
    <main className={styles.board}>
      <header className={styles.header}>
        <h1>{words.heading}</h1>
        <span className={styles.actions}>
          <Who session={session} me={me} />
        </span>
      </header>
      {me.scopes.includes('audit') && <Audit session={session} />}
    </main>
  );
}
