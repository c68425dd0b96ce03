// Owns one chart: up to three lines on a plain SVG, with the values under the pointer.

import type { TargetedPointerEvent } from 'preact';
import { useState } from 'preact/hooks';
import { figures, operator as words } from '../words';
import styles from './Chart.module.css';
import shared from './operator.module.css';
import { HEIGHT, LONGEST_GAP, nearest, path, span, top, WIDTH } from './scale';

interface Props<Name extends string> {
  title: string;
  series: Readonly<Record<Name | 'at', readonly (number | null)[]>>;
  /** Each with its name. */
  lines: [Name, string][];
  format: (value: number) => string;
  /** The axis goes up to this at least. */
  atLeast?: number;
  /** Values are whole numbers. */
  whole?: boolean;
  /** What is told of each line while nothing is pointed at, instead of its last value. */
  atRest?: Readonly<Record<Name, number | null>>;
  /** Seconds without a value over which a line goes on. */
  gap?: number;
  when?: (at: number) => string;
}

export function Chart<Name extends string>({
  title,
  series,
  lines,
  format,
  atLeast = 0,
  whole = false,
  atRest,
  gap = LONGEST_GAP,
  when = figures.clock,
}: Props<Name>) {
  const [pointed, setPointed] = useState<number | null>(null);
  const times = series.at;
  const shown = span(times);
  const highest = top(
    lines.flatMap(([name]) => series[name]),
    atLeast,
  );
  const ceiling = whole ? Math.max(4, Math.ceil(highest)) : highest;
  const index = pointed === null ? times.length - 1 : nearest(times, shown, pointed);
  const at = times[index];
  const values = lines.map(([name, label]) => {
    const rests = atRest ? atRest[name] : series[name].findLast((one) => one !== null);
    const value = pointed === null ? rests : series[name][index];
    return `${label} ${value === null || value === undefined ? '–' : format(value)}`;
  });

  const point = (event: TargetedPointerEvent<SVGSVGElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    setPointed((event.clientX - box.left) / box.width);
  };

  return (
    <figure className={`${shared.chart} ${styles.chart}`}>
      <figcaption>
        <h2>{title}</h2>
        <p className={styles.legend}>
          {lines.map(([name], place) => (
            <span key={name} data-line={place}>
              {values[place]}
            </span>
          ))}
        </p>
      </figcaption>
      {times.length < 2 ? (
        <p className={styles.empty}>{words.noFiguresYet}</p>
      ) : (
        <div className={styles.plot}>
          <span className={styles.ceiling}>{format(ceiling)}</span>
          <svg
            viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
            preserveAspectRatio="none"
            role="img"
            aria-label={`${title}: ${values.join(', ')}`}
            onPointerMove={point}
            onPointerDown={point}
            onPointerLeave={() => setPointed(null)}
          >
            <path
              className={styles.grid}
              d={`M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}`}
            />
            {lines.map(([name], place) => (
              <path
                key={name}
                className={styles.line}
                data-line={place}
                d={path(times, series[name], shown, ceiling, gap)}
              />
            ))}
            {pointed !== null && at !== null && at !== undefined && (
              <path
                className={styles.cursor}
                d={`M${(((at - shown.from) / (shown.to - shown.from)) * WIDTH).toFixed(1)} 0V${HEIGHT}`}
              />
            )}
          </svg>
          <span className={styles.times}>
            <span>{when(shown.from)}</span>
            <span>{pointed === null ? '' : when(at ?? shown.to)}</span>
            <span>{when(shown.to)}</span>
          </span>
        </div>
      )}
    </figure>
  );
}
