// Owns a number of seconds that goes down, for eyes alone: read out at every second it would drown all else.

import { useEffect, useState } from 'preact/hooks';
import { headline } from '../words';
import styles from './Headline.module.css';

/** Begins anew with another number. */
export function Countdown({ seconds }: { readonly seconds: number }) {
  const [left, setLeft] = useState(seconds);
  useEffect(() => {
    const until = performance.now() + seconds * 1000;
    const look = () => setLeft((until - performance.now()) / 1000);
    look();
    const timer = setInterval(look, 250);
    return () => clearInterval(timer);
  }, [seconds]);
  return (
    <span className={styles.countdown} aria-hidden="true">
      {headline.countdown(Math.max(0, Math.ceil(left)))}
    </span>
  );
}
