// Owns the list of those who were kept out: why, how often, and what helps.

import { count, duration } from './format';
import styles from './operator.module.css';
import type { Refusal } from './types';

export function Refused({ refused, now }: { refused: readonly Refusal[]; now: number }) {
  return (
    <section aria-label="Refused" className={styles.panel}>
      <h2>Refused</h2>
      {refused.length === 0 ? (
        <p className={styles.soft}>Nobody was kept out.</p>
      ) : (
        <ul className={styles.troubles}>
          {refused.map(({ reason, at, times, cause, remedy }) => (
            <li key={reason}>
              <strong>{reason}</strong>
              {cause !== '' && <span>{cause}</span>}
              <span className={styles.soft}>
                {duration(Math.max(0, now - at))} ago,{' '}
                {times === 1 ? 'once' : `${count(times)} times`}
              </span>
              <p className={styles.soft}>{remedy}</p>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
