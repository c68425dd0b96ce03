// Owns the list of recent warnings and errors.

import { operator as words } from '../words';
import styles from './operator.module.css';
import type { Trouble } from './types';

export function Troubles({ troubles, now }: { troubles: readonly Trouble[]; now: number }) {
  return (
    <section aria-label={words.troublesLabel} className={styles.panel}>
      <h2>{words.troubles}</h2>
      {troubles.length === 0 ? (
        <p className={styles.soft}>{words.noTroubles}</p>
      ) : (
        <ul className={styles.troubles}>
          {troubles.map((trouble) => (
            <li key={`${trouble.source} ${trouble.event}`} data-level={trouble.level}>
              <strong>{trouble.event}</strong> <span>{trouble.source}</span>
              <span className={styles.soft}>
                {words.ago(Math.max(0, now - trouble.at), trouble.times)}
              </span>
              {trouble.detail !== '' && <code>{trouble.detail}</code>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
