// Owns the page at /check: tries every path to the relay once, and says which one works from here.

import { useEffect, useState } from 'preact/hooks';
import { check as words } from '../words';
import { attempt } from './attempt';
import styles from './check.module.css';
import { type Outcome, PATHS, type Path, verdict, wordsFor } from './verdict';

type Outcomes = Readonly<Record<Path, Outcome>>;

const TRYING: Outcome = { state: 'trying' };
const BEGIN: Outcomes = { WebSocket: TRYING, UDP: TRYING, TCP: TRYING, TURN: TRYING };

export function Check() {
  const [outcomes, setOutcomes] = useState(BEGIN);
  useEffect(() => {
    let current = true;
    for (const path of PATHS) {
      void attempt(path).then((outcome) => {
        if (current) setOutcomes((before) => ({ ...before, [path]: outcome }));
      });
    }
    return () => {
      current = false;
    };
  }, []);
  return (
    <main className={styles.page}>
      <h1>{words.title}</h1>
      <p role="status">{verdict(outcomes)}</p>
      <ul className={styles.paths}>
        {PATHS.map((path) => (
          <li key={path} data-state={outcomes[path].state}>
            <span className={styles.name}>{path}</span>
            <span className={styles.meaning}>{words.meaning[path]}</span>
            <span className={styles.outcome}>{wordsFor(outcomes[path])}</span>
          </li>
        ))}
      </ul>
    </main>
  );
}
