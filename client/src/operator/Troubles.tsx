// Owns the list of recent warnings and errors.

import { count, duration } from './format';
import styles from './operator.module.css';
import type { Trouble } from './types';

export function Troubles({ troubles, now }: { troubles: readonly Trouble[]; now: number }) {
  return (
    <section aria-label="Recent errors" className={styles.panel}>
      <h2>Recent errors and warnings</h2>
      {troubles.length === 0 ? (
        <p className={styles.soft}>Nothing went wrong.</p>
      ) : (
        <ul className={styles.troubles}>
          {troubles.map((trouble) => (
            <li key={`${trouble.source} ${trouble.event}`} data-level={trouble.level}>
              <strong>{trouble.event}</strong> <span>{trouble.source}</span>
              <span className={styles.soft}>
                {duration(Math.max(0, now - trouble.at))} ago
                {trouble.times > 1 && `, ${count(trouble.times)} times`}
              </span>
              {trouble.detail !== '' && <code>{trouble.detail}</code>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
