// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { act, cleanup, render } from '../testing/page';
import { useSpeaking } from './speaking';

let loudness = 0;
const level = () => loudness;

beforeEach(() => {
  vi.useFakeTimers();
  loudness = 0;
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function Sign({ level }: { readonly level: (() => number) | null }) {
  return <output>{useSpeaking(level, 0) ? 'speaking' : 'silent'}</output>;
}

function pass(milliseconds: number): void {
  void act(() => void vi.advanceTimersByTime(milliseconds));
}

const shown = () => document.body.textContent;

test('the sign is there from the first sound on, and for a moment after the last', () => {
  render(<Sign level={level} />);
  pass(300);
  expect(shown()).toBe('silent');
  loudness = 0.02;
  pass(150);
  expect(shown()).toBe('speaking');
  loudness = 0.01;
  pass(600);
  expect(shown()).toBe('speaking');
  pass(150);
  expect(shown()).toBe('silent');
});

test('who is not to be heard any more speaks no more', () => {
  const { rerender } = render(<Sign level={level} />);
  loudness = 1;
  pass(150);
  expect(shown()).toBe('speaking');
  rerender(<Sign level={null} />);
  expect(shown()).toBe('silent');
});
