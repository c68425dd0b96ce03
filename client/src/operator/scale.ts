// Where values go in a chart. Pure.

export const WIDTH = 600;
export const HEIGHT = 150;

/** Seconds that a chart shows at least, so that a young server's minutes are not stretched. */
const SHORTEST = 300;

/** Seconds without a value over which a line goes on. */
export const LONGEST_GAP = 15;

export interface Span {
  from: number;
  to: number;
}

/** The time that the samples cover. */
export function span(times: readonly (number | null)[]): Span {
  const to = times.at(-1) ?? 0;
  const first = times[0] ?? to;
  return { from: Math.min(first, to - SHORTEST), to };
}

/** A round number that is not below any value: the top of the axis. */
export function top(values: readonly (number | null)[], atLeast: number): number {
  const highest = Math.max(atLeast, ...values.map((value) => value ?? 0));
  if (highest <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(highest));
  const step =
    [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((factor) => factor * power >= highest * 0.9999) ?? 10;
  return step * power;
}

/** A path through the values, broken where there are none for a while. A value on its own is a dot. */
export function path(
  times: readonly (number | null)[],
  values: readonly (number | null)[],
  { from, to }: Span,
  ceiling: number,
  gap = LONGEST_GAP,
): string {
  let drawn = '';
  let last = Number.NEGATIVE_INFINITY;
  values.forEach((value, index) => {
    const at = times[index];
    if (value === null || at === null || at === undefined) return;
    const x = (((at - from) / (to - from || 1)) * WIDTH).toFixed(1);
    const y = (HEIGHT - (Math.min(value, ceiling) / ceiling) * HEIGHT).toFixed(1);
    drawn += at - last > gap ? `M${x} ${y}h0` : `L${x} ${y}`;
    last = at;
  });
  return drawn;
}

/** The sample nearest to a place between 0 (left) and 1 (right); -1 without any. */
export function nearest(
  times: readonly (number | null)[],
  { from, to }: Span,
  place: number,
): number {
  const wanted = from + place * (to - from);
  let best = -1;
  times.forEach((at, index) => {
    const closer =
      Math.abs((at ?? 0) - wanted) < Math.abs((times[best] ?? Number.NEGATIVE_INFINITY) - wanted);
    if (best < 0 || closer) best = index;
  });
  return best;
}
