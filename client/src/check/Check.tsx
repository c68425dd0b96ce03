// Owns the page at /check: tries every way to the relay once, and says which one works from here.

import { useEffect, useState } from 'preact/hooks';
import styles from './check.module.css';
import { attempt, type Outcome, WAYS, type Way } from './ways';
import { MEANING, verdict, wordsFor } from './words';

type Outcomes = Readonly<Record<Way, Outcome>>;

const TRYING: Outcome = { state: 'trying' };
const BEGIN: Outcomes = { WebSocket: TRYING, UDP: TRYING, TCP: TRYING, TURN: TRYING };

export function Check() {
  const [outcomes, setOutcomes] = useState(BEGIN);
  useEffect(() => {
    let current = true;
    for (const way of WAYS) {
      void attempt(way).then((outcome) => {
        if (current) setOutcomes((before) => ({ ...before, [way]: outcome }));
      });
    }
    return () => {
      current = false;
    };
  }, []);
  return (
    <main className={styles.page}>
      <h1>Can you reach this relay?</h1>
      <p role="status">{verdict(outcomes)}</p>
      <ul className={styles.ways}>
        {WAYS.map((way) => (
          <li key={way} data-state={outcomes[way].state}>
            <span className={styles.name}>{way}</span>
            <span className={styles.meaning}>{MEANING[way]}</span>
            <span className={styles.outcome}>{wordsFor(outcomes[way])}</span>
          </li>
        ))}
      </ul>
    </main>
  );
}
