// Owns the list of those who were kept out: why, how often, and what helps.

import { operator as words } from '../words';
import styles from './operator.module.css';
import type { Refusal } from './types';

export function Refused({ refused, now }: { refused: readonly Refusal[]; now: number }) {
  return (
    <section aria-label={words.refused} className={styles.panel}>
      <h2>{words.refused}</h2>
      {refused.length === 0 ? (
        <p className={styles.soft}>{words.nobodyRefused}</p>
      ) : (
        <ul className={styles.troubles}>
          {refused.map(({ reason, at, times, cause, remedy }) => (
            <li key={reason}>
              <strong>{reason}</strong>
              {cause !== '' && <span>{cause}</span>}
              <span className={styles.soft}>{words.agoInAll(Math.max(0, now - at), times)}</span>
              <p className={styles.soft}>{remedy}</p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
