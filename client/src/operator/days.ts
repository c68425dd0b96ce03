// How periods become a chart's columns. Pure.

import type { Period } from './types';

export type Column = keyof Period;

/** One list for each field of a period. */
export function columns(periods: readonly Period[]): Record<Column, (number | null)[]> {
  const names = Object.keys(periods[0] ?? {}) as Column[];
  const lists = names.map((name) => [name, periods.map((period) => period[name])]);
  return Object.fromEntries(lists) as Record<Column, (number | null)[]>;
}
