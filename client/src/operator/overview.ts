// How the last hour that the server tells of is kept here. Pure.

import { SERIES, type Series, type SeriesName } from './types';

/** Seconds that charts show at most. */
export const HOUR = 3600;

/** The time of the newest sample; 0 without any. */
export function newest(series: Series): number {
  return series.at.at(-1) ?? 0;
}

/** The kept samples followed by the new ones, without those older than an hour. */
export function joined(kept: Series, fresh: Series): Series {
  const after = newest(kept);
  const first = fresh.at.findIndex((at) => (at ?? 0) > after);
  if (first < 0) return kept;
  const oldest = newest(fresh) - HOUR;
  const start = kept.at.findIndex((at) => (at ?? 0) >= oldest);
  const result = {} as Record<SeriesName, (number | null)[]>;
  for (const name of SERIES) {
    const before = start < 0 ? [] : kept[name].slice(start);
    result[name] = [...before, ...fresh[name].slice(first)];
  }
  return result;
}

/** The last value that is one; 0 without any. */
export function latest(series: Series, name: SeriesName): number {
  return series[name].findLast((value) => value !== null) ?? 0;
}
