// @vitest-environment happy-dom

import { afterEach, expect, test } from 'vitest';
import { act, cleanup, render } from '../testing/page';
import { useFollowed } from './followed';

afterEach(cleanup);

/** A number that changes outside of the page. */
class Outside {
  readonly followers = new Set<() => void>();
  readonly seen: number[] = [];
  #value: number;

  constructor(value: number) {
    this.#value = value;
  }

  readonly now = () => this.#value;

  readonly subscribe = (changed: () => void) => {
    this.followers.add(changed);
    return () => this.followers.delete(changed);
  };

  become(value: number): void {
    this.#value = value;
    void act(() => {
      for (const follower of this.followers) follower();
    });
  }
}

function Follower({ outside }: { readonly outside: Outside }) {
  const value = useFollowed(outside.subscribe, outside.now, 0);
  outside.seen.push(value);
  return <output>{value}</output>;
}

test('a page begins with what was painted, and goes on with what is', () => {
  const outside = new Outside(1);
  render(<Follower outside={outside} />);
  expect(outside.seen).toEqual([0, 1]);
  outside.become(2);
  expect(document.body.textContent).toBe('2');
});

test('what is followed no more is left alone', () => {
  const first = new Outside(1);
  const second = new Outside(7);
  const { rerender } = render(<Follower outside={first} />);
  rerender(<Follower outside={second} />);
  expect(document.body.textContent).toBe('7');
  expect(first.followers.size).toBe(0);
  rerender(null);
  expect(second.followers.size).toBe(0);
});
