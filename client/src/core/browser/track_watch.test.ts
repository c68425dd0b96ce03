import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FakeTrack } from '../../testing/fake_peer_connection';
import { DEAD_LOOKS, LOOKING_MILLISECONDS, watchTrack } from './track_watch';

class CountedTrack extends FakeTrack {
  readonly stats = { totalFrames: 0 };
}

const tell = vi.fn();
let track: CountedTrack;
let leave: () => void;

/** So many looks, with this many frames in between. */
function look(times: number, frames: number): void {
  for (let time = 0; time < times; time += 1) {
    track.stats.totalFrames += frames;
    vi.advanceTimersByTime(LOOKING_MILLISECONDS);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  tell.mockReset();
  track = new CountedTrack('video', 'cam-1');
  leave = watchTrack(track as unknown as MediaStreamTrack, tell);
});
afterEach(() => {
  leave();
  vi.useRealTimers();
});

test('what the system mutes is told at once, and so is its return', () => {
  track.mute(true);
  track.mute(false);
  expect(tell.mock.calls).toEqual([[true], [false]]);
});

test('a device that is live and gives nothing is told after four looks, until it gives something', () => {
  look(3, 30);
  look(DEAD_LOOKS - 1, 0);
  expect(tell).not.toHaveBeenCalled();
  look(1, 0);
  expect(tell.mock.calls).toEqual([[true]]);
  look(1, 30);
  expect(tell).toHaveBeenLastCalledWith(false);
});

test('one that the person turned off is not dead', () => {
  look(3, 30);
  track.enabled = false;
  look(20, 0);
  expect(tell).not.toHaveBeenCalled();
});

test('a browser without statistics is not doubted', () => {
  leave();
  const plain = new FakeTrack('video', 'cam-1');
  leave = watchTrack(plain as unknown as MediaStreamTrack, tell);
  vi.advanceTimersByTime(60_000);
  expect(tell).not.toHaveBeenCalled();
  plain.mute(true);
  expect(tell.mock.calls).toEqual([[true]]);
});

test('nothing is told after the end', () => {
  leave();
  track.mute(true);
  look(20, 0);
  expect(tell).not.toHaveBeenCalled();
});
