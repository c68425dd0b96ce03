// Owns one figure that is now, with a bar when it is a share of something.

import { operator as words } from '../words';
import styles from './operator.module.css';

/** Above these shares the bar warns, and alarms. */
const WARN = 0.7;
const ALARM = 0.9;

interface Props {
  name: string;
  value: string;
  detail: string;
  used?: number;
}

export function Tile({ name, value, detail, used }: Props) {
  return (
    <div className={styles.tile}>
      <h2>{name}</h2>
      <p className={styles.figure}>{value}</p>
      <p className={styles.soft}>{detail}</p>
      {used !== undefined && (
        <meter
          className={styles.meter}
          aria-label={words.used(name)}
          min={0}
          max={1}
          low={WARN}
          high={ALARM}
          optimum={0}
          value={Math.min(1, used)}
        />
      )}
    </div>
  );
}
