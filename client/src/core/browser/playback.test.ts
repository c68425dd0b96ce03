// @vitest-environment happy-dom

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Playback } from './playback';

type Refusal = 'NotAllowedError' | 'AbortError' | null;

const tell = vi.fn();
let video: HTMLVideoElement;
let playback: Playback;
/** Why the browser does not play, with sound and without. */
let refusals: { aloud: Refusal; silently: Refusal };
let paused: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  tell.mockReset();
  refusals = { aloud: null, silently: null };
  paused = true;
  video = document.createElement('video');
  Object.defineProperty(video, 'paused', { get: () => paused });
  Object.defineProperty(video, 'srcObject', { value: {}, writable: true });
  video.play = vi.fn(async () => {
    const refusal = video.muted ? refusals.silently : refusals.aloud;
    if (refusal !== null) throw new DOMException('', refusal);
    paused = false;
  });
  playback = new Playback(video, tell);
});
afterEach(() => {
  playback.close();
  vi.useRealTimers();
});

async function settle(milliseconds = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

/** As the system does it. */
function pause(): void {
  paused = true;
  video.dispatchEvent(new Event('pause'));
}

test('plays when it is wanted, and not before', async () => {
  video.dispatchEvent(new Event('pause'));
  expect(video.play).not.toHaveBeenCalled();
  playback.want(true);
  await settle();
  expect(paused).toBe(false);
  expect(tell).not.toHaveBeenCalled();
});

test('what the browser pauses is played again, without a word', async () => {
  playback.want(true);
  await settle();
  pause();
  await settle();
  expect(paused).toBe(false);
  expect(tell).not.toHaveBeenCalled();
});

test('three tries may come to nothing before that is said', async () => {
  refusals = { aloud: 'AbortError', silently: 'AbortError' };
  playback.want(true);
  // After 100, 300 and 1000 milliseconds.
  await settle(1_399);
  expect(video.play).toHaveBeenCalledTimes(3);
  expect(tell).not.toHaveBeenCalled();
  await settle(1);
  expect(video.play).toHaveBeenCalledTimes(4);
  expect(tell.mock.calls).toEqual([['stopped']]);
});

describe('what the browser does not play for a while', () => {
  beforeEach(async () => {
    playback.want(true);
    await settle();
    refusals = { aloud: 'AbortError', silently: 'AbortError' };
    pause();
    await settle(5_000);
  });

  test('is said, and tried again', async () => {
    expect(tell.mock.calls).toEqual([['stopped']]);
    refusals = { aloud: null, silently: null };
    await settle(2_000);
    expect(paused).toBe(false);
    expect(tell).toHaveBeenLastCalledWith('playing');
  });

  test.each(['visibilitychange', 'resume'])('is tried at once at %s', async (type) => {
    refusals = { aloud: null, silently: null };
    document.dispatchEvent(new Event(type));
    await settle();
    expect(paused).toBe(false);
  });

  test('is nobody’s business once the conversation is over', async () => {
    playback.want(false);
    refusals = { aloud: null, silently: null };
    await settle(10_000);
    expect(paused).toBe(true);
    expect(tell).toHaveBeenCalledOnce();
  });
});

test('plays in silence where sound was refused, until the person presses', async () => {
  refusals.aloud = 'NotAllowedError';
  playback.want(true);
  await settle();
  expect(video.muted).toBe(true);
  expect(paused).toBe(false);
  expect(tell.mock.calls).toEqual([['silenced']]);
  refusals.aloud = null;
  playback.press();
  await settle();
  expect(video.muted).toBe(false);
  expect(tell).toHaveBeenLastCalledWith('playing');
});

test('an element that is muted from outside is said to be silent', async () => {
  playback.want(true);
  await settle();
  video.muted = true;
  video.dispatchEvent(new Event('volumechange'));
  expect(tell.mock.calls).toEqual([['silenced']]);
});

test('nothing is played before there is a stream, and then it is', async () => {
  video.srcObject = null;
  playback.want(true);
  await settle();
  expect(video.play).not.toHaveBeenCalled();
  video.srcObject = {} as MediaStream;
  video.dispatchEvent(new Event('loadedmetadata'));
  await settle();
  expect(paused).toBe(false);
});
