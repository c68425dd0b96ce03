import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Timers } from './timers';

const ended = vi.fn();
let timers: Timers;

beforeEach(() => {
  vi.useFakeTimers();
  ended.mockReset();
  timers = new Timers(ended);
});
afterEach(() => {
  vi.useRealTimers();
});

test('a timer runs out once, when its seconds are over', () => {
  timers.set('cooling', 2);
  vi.advanceTimersByTime(1_999);
  expect(ended).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10_000);
  expect(ended).toHaveBeenCalledExactlyOnceWith('cooling');
});

test('a timer that is set again begins anew', () => {
  timers.set('typing_pause', 3);
  vi.advanceTimersByTime(2_000);
  timers.set('typing_pause', 3);
  vi.advanceTimersByTime(2_000);
  expect(ended).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(ended).toHaveBeenCalledOnce();
});

test('a timer that ran out is forgotten', () => {
  const clear = vi.spyOn(globalThis, 'clearTimeout');
  timers.set('message 1', 1);
  timers.set('message 2', 2);
  vi.advanceTimersByTime(1_000);
  clear.mockClear();
  timers.close();
  expect(clear).toHaveBeenCalledOnce();
  clear.mockRestore();
});

test('timers of different names run side by side', () => {
  timers.set('message 1', 1);
  timers.set('message 2', 2);
  vi.advanceTimersByTime(2_000);
  expect(ended.mock.calls).toEqual([['message 1'], ['message 2']]);
});

test('a random timer runs out somewhere between none of its seconds and all of them', () => {
  vi.spyOn(Math, 'random').mockReturnValueOnce(0.25);
  timers.setRandom('reconnect', 8);
  vi.advanceTimersByTime(1_999);
  expect(ended).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(ended).toHaveBeenCalledExactlyOnceWith('reconnect');
});

test('none runs out after closing', () => {
  timers.set('connecting', 1);
  timers.close();
  vi.advanceTimersByTime(5_000);
  expect(ended).not.toHaveBeenCalled();
});
