// Owns saying who is signed in, and signing them out.

import { operator as words } from '../words';
import styles from './operator.module.css';
import type { OperatorSession } from './session';
import type { Me } from './types';

export function Who({ session, me }: { session: OperatorSession; me: Me }) {
  return (
    <span className={styles.who}>
      <span title={words.youAre(me.roles)}>{me.name}</span>
      <button type="button" onClick={() => void session.signOut()}>
        {words.signOut}
      </button>
    </span>
  );
}
