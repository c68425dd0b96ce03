import { describe, expect, test } from 'vitest';
import { HOUR, joined, latest } from './overview';
import { HEIGHT, nearest, path, span, top, WIDTH } from './scale';
import { SERIES, type Series } from './types';

function series(...times: (number | null)[]): Series {
  return Object.fromEntries(SERIES.map((name) => [name, times])) as unknown as Series;
}

describe('the last hour', () => {
  test('takes what is new and lets go of what is old', () => {
    const kept = series(0, 5, 10);
    expect(joined(kept, series(10, 15)).at).toEqual([0, 5, 10, 15]);
    expect(joined(kept, series()).at).toEqual([0, 5, 10]);
    expect(joined(kept, series(HOUR + 5)).at).toEqual([5, 10, HOUR + 5]);
    expect(joined(kept, series(3 * HOUR)).at).toEqual([3 * HOUR]);
  });

  test('has a latest value even if the last sample has none', () => {
    expect(latest(series(1, 2, null), 'setup')).toBe(2);
    expect(latest(series(), 'setup')).toBe(0);
  });
});

describe('a chart', () => {
  test('covers five minutes at least, and what there is', () => {
    expect(span([1000, 1005])).toEqual({ from: 705, to: 1005 });
    expect(span([0, 3600])).toEqual({ from: 0, to: 3600 });
  });

  test.each([
    [[7], 0, 8],
    [[0, null], 0, 1],
    [[0.03], 0.1, 0.1],
    [[123], 0, 150],
    [[100], 0, 100],
  ])('of %j has a round top', (values, atLeast, expected) =>
    expect(top(values, atLeast)).toBeCloseTo(expected),
  );

  test('bridges a short gap, shows a long one, and stays inside', () => {
    const drawn = path([0, 5, 10, 300], [0, null, 5, 50], { from: 0, to: 300 }, 10);
    expect(drawn).toBe(`M0.0 ${HEIGHT}.0h0L20.0 ${HEIGHT / 2}.0M${WIDTH}.0 0.0h0`);
  });

  test('goes on over a gap of fifteen seconds, and no longer one', () => {
    const shown = { from: 0, to: 300 };
    expect(path([0, 15], [0, 0], shown, 10)).toBe(`M0.0 ${HEIGHT}.0h0L30.0 ${HEIGHT}.0`);
    expect(path([0, 16], [0, 0], shown, 10)).toBe(`M0.0 ${HEIGHT}.0h0M32.0 ${HEIGHT}.0h0`);
  });

  test('finds the sample under the pointer', () => {
    const shown = { from: 0, to: 300 };
    expect(nearest([0, 100, 300], shown, 0.4)).toBe(1);
    expect(nearest([], shown, 0.4)).toBe(-1);
  });
});
