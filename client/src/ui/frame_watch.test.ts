// @vitest-environment happy-dom

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { FORMER_MILLISECONDS, LATE_SECONDS, watchFrames } from './frame_watch';

const tell = vi.fn();
let painted: VideoFrameRequestCallback | null;
let video: HTMLVideoElement;

/** A frame that came in now, or at another time. */
function paint(receiveTime?: number) {
  const due = painted;
  painted = null;
  due?.(0, { receiveTime } as VideoFrameCallbackMetadata);
}

beforeEach(() => {
  vi.useFakeTimers();
  tell.mockReset();
  painted = null;
  video = document.createElement('video');
  video.requestVideoFrameCallback = (callback) => {
    painted = callback;
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

test('a first frame that takes long is told, once', () => {
  watchFrames(video, tell);
  vi.advanceTimersByTime(LATE_SECONDS * 1000 - 1);
  expect(tell).not.toHaveBeenCalled();
  vi.advanceTimersByTime(60_000);
  expect(tell.mock.calls).toEqual([['late']]);
  paint();
  expect(tell).toHaveBeenLastCalledWith('moving');
});

test('a frame that came in before the watch is of somebody else', () => {
  const began = performance.now();
  watchFrames(video, tell);
  paint(began - 1);
  expect(tell).not.toHaveBeenCalled();
  paint(began + 1);
  expect(tell.mock.calls).toEqual([['moving']]);
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

describe('a browser that tells no frames', () => {
  test('has them counted, from when the former partner’s are through', () => {
    let total = 100;
    const counting = { getVideoPlaybackQuality: () => ({ totalVideoFrames: total }) };
    watchFrames(counting as unknown as HTMLVideoElement, tell);
    for (let passed = 0; passed < FORMER_MILLISECONDS; passed += 100) {
      total += 3;
      vi.advanceTimersByTime(100);
    }
    expect(tell).not.toHaveBeenCalled();
    vi.advanceTimersByTime(2_000);
    expect(tell).not.toHaveBeenCalled();
    total += 1;
    vi.advanceTimersByTime(100);
    expect(tell.mock.calls).toEqual([['moving']]);
    vi.advanceTimersByTime(4_000);
    expect(tell).toHaveBeenLastCalledWith('frozen');
  });

  test('and counts none shows no picture', () => {
    const leave = watchFrames({} as HTMLVideoElement, tell);
    vi.advanceTimersByTime(60_000);
    expect(tell.mock.calls).toEqual([['late']]);
    leave();
  });
});
