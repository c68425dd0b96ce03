// Owns the list of what staff did, the latest first.

import { useCallback, useEffect, useState } from 'preact/hooks';
import { operator as words } from '../words';
import auditStyles from './Audit.module.css';
import styles from './operator.module.css';
import type { OperatorSession } from './session';
import type { AuditEntry } from './types';

export function Audit({ session }: { session: OperatorSession }) {
  const [entries, setEntries] = useState<readonly AuditEntry[] | null>(null);
  const [before, setBefore] = useState<number | null>(null);
  const [why, setWhy] = useState<string | null>(null);

  const look = useCallback(
    async (from: number | null) => {
      const page = await session.audit(from);
      if ('untold' in page) {
        setWhy(page.untold);
        return;
      }
      setWhy(null);
      setEntries((shown) => (from === null ? page.entries : [...(shown ?? []), ...page.entries]));
      setBefore(page.before);
    },
    [session],
  );

  useEffect(() => void look(null), [look]);

  return (
    <section aria-label={words.audit} className={styles.panel}>
      <header className={styles.header}>
        <h2>{words.audit}</h2>
        <span className={styles.actions}>
          <button type="button" onClick={() => void look(null)}>
            {words.lookAgain}
          </button>
        </span>
      </header>
      {why !== null && (
        <p role="status" className={styles.notice}>
          {why}
        </p>
      )}
      {entries === null && why === null && <p className={styles.soft}>{words.looking}</p>}
      {entries?.length === 0 && <p className={styles.soft}>{words.nothingDone}</p>}
      <ol className={auditStyles.list}>
        {entries?.map((entry) => (
          <li key={entry.n}>
            <time dateTime={new Date(entry.at * 1000).toISOString()} className={styles.soft}>
              {words.momentOf(entry.at)}
            </time>
            <strong>{entry.who}</strong>
            <span>{words.deed(entry.what)}</span>
            <span>{entry.subject}</span>
            <code>{detailOf(entry.detail)}</code>
          </li>
        ))}
      </ol>
      {before !== null && (
        <button type="button" onClick={() => void look(before)}>
          {words.older}
        </button>
      )}
    </section>
  );
}

/** An object of plain values, in words. */
function detailOf(detail: unknown): string {
  return Object.entries(detail as Record<string, unknown>)
    .map(([name, value]) => `${name}: ${value}`)
    .join(', ');
}
