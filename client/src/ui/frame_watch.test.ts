// @vitest-environment happy-dom

import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchFrames } from './frame_watch';

const tell = vi.fn();
let painted: (() => void) | null;
let video: HTMLVideoElement;

function paint() {
  const due = painted;
  painted = null;
  due?.();
}

beforeEach(() => {
  vi.useFakeTimers();
  tell.mockReset();
  painted = null;
  video = document.createElement('video');
  video.requestVideoFrameCallback = (callback) => {
    painted = callback as () => void;
    return 1;
  };
  video.cancelVideoFrameCallback = () => {
    painted = null;
  };
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('nothing is told before the first frame, however long it takes', () => {
  watchFrames(video, tell);
  vi.advanceTimersByTime(60_000);
  expect(tell).not.toHaveBeenCalled();
});

test('frames that come are told once', () => {
  watchFrames(video, tell);
  for (let second = 0; second < 10; second += 1) {
    paint();
    vi.advanceTimersByTime(1_000);
  }
  expect(tell.mock.calls).toEqual([['moving']]);
});

test('four seconds without a frame are told, and so is the next frame', () => {
  watchFrames(video, tell);
  paint();
  vi.advanceTimersByTime(3_999);
  expect(tell.mock.calls).toEqual([['moving']]);
  vi.advanceTimersByTime(1);
  expect(tell.mock.calls).toEqual([['moving'], ['frozen']]);
  paint();
  expect(tell).toHaveBeenLastCalledWith('moving');
});

test('a page that nobody looks at paints nothing, and is judged when it is looked at again', () => {
  const visible = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
  watchFrames(video, tell);
  paint();
  vi.advanceTimersByTime(60_000);
  expect(tell.mock.calls).toEqual([['moving']]);
  visible.mockReturnValue('visible');
  vi.advanceTimersByTime(4_000);
  expect(tell).toHaveBeenLastCalledWith('frozen');
});

test('a watch that has ended tells nothing', () => {
  const leave = watchFrames(video, tell);
  paint();
  leave();
  expect(painted).toBeNull();
  vi.advanceTimersByTime(60_000);
  expect(tell.mock.calls).toEqual([['moving']]);
});

test('the first frame is told apart, and whether the page was in view until then', () => {
  const first = vi.fn();
  watchFrames(video, tell, first);
  paint();
  paint();
  expect(first.mock.calls).toEqual([[true]]);

  watchFrames(video, tell, first);
  document.dispatchEvent(new Event('visibilitychange'));
  paint();
  expect(first.mock.calls).toEqual([[true], [false]]);
});

test('a browser that cannot tell its frames is taken to move', () => {
  const plain = {} as HTMLVideoElement;
  watchFrames(plain, tell);
  expect(tell.mock.calls).toEqual([['moving']]);
});
