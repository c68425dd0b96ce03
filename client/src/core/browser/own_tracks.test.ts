import { beforeEach, expect, test, vi } from 'vitest';
import { type FakeDevices, stubDevices } from '../../testing/fake_devices';
import { stubMediaGlobals } from '../../testing/fake_peer_connection';
import { OwnTracks } from './own_tracks';

const BOTH = { microphone: null, camera: null };

let devices: FakeDevices;
const NOT_MUTED = { microphone: false, camera: false };
let ended: ReturnType<typeof vi.fn<(kind: string) => void>>;
let muted: ReturnType<typeof vi.fn<(kind: string, muted: boolean) => void>>;
let tracks: OwnTracks;

beforeEach(() => {
  stubMediaGlobals();
  devices = stubDevices();
  ended = vi.fn();
  muted = vi.fn();
  tracks = new OwnTracks({ ended, muted });
});

test('tells which devices it opened, and shows them', async () => {
  expect(tracks.preview()).toBeNull();
  expect(await tracks.open(BOTH)).toEqual({
    using: { microphone: 'mic-1', camera: 'cam-1' },
    failures: {},
    muted: NOT_MUTED,
  });
  expect(tracks.preview()?.getTracks()).toEqual(devices.given);
});

test('opens only what is wanted', async () => {
  expect(await tracks.open({ microphone: null })).toEqual({
    using: { microphone: 'mic-1', camera: null },
    failures: {},
    muted: NOT_MUTED,
  });
  expect(tracks.track('camera')).toBeNull();
});

test('names the failure of each', async () => {
  devices.refusal = 'NotFoundError';
  expect(await tracks.open(BOTH)).toMatchObject({
    using: { microphone: null, camera: null },
    failures: { microphone: 'none', camera: 'none' },
  });
});

test('one that is missing does not keep the other out', async () => {
  devices.refusals.video = 'NotReadableError';
  expect(await tracks.open(BOTH)).toEqual({
    using: { microphone: 'mic-1', camera: null },
    failures: { camera: 'in_use' },
    muted: NOT_MUTED,
  });
  expect(tracks.preview()?.getTracks()).toEqual(devices.given);
});

test('what the system mutes is told, and so is its return', async () => {
  await tracks.open(BOTH);
  devices.newest('audio').mute(true);
  devices.newest('audio').mute(false);
  expect(muted.mock.calls).toEqual([
    ['microphone', true],
    ['microphone', false],
  ]);
  const old = devices.newest('video');
  await tracks.switch('camera', 'cam-2');
  old.mute(true);
  expect(muted).toHaveBeenCalledTimes(2);
});

test('closes what is open before it opens again', async () => {
  await tracks.open(BOTH);
  const [microphone, camera] = devices.given;
  const answer = devices.keepWaiting();
  const opening = tracks.open({ microphone: null });
  expect(microphone?.stop).toHaveBeenCalledOnce();
  expect(camera?.stop).toHaveBeenCalledOnce();
  answer();
  await opening;
});

test('switches one device, the old one closed first, and leaves the other alone', async () => {
  await tracks.open(BOTH);
  const [microphone, camera] = devices.given;
  const answer = devices.keepWaiting();
  const switching = tracks.switch('camera', 'cam-2');
  expect(camera?.stop).toHaveBeenCalledOnce();
  answer();
  expect(await switching).toEqual({
    using: { microphone: 'mic-1', camera: 'cam-2' },
    failures: {},
    muted: NOT_MUTED,
  });
  expect(tracks.track('microphone')).toBe(microphone);
  expect(microphone?.stop).not.toHaveBeenCalled();
});

test('what is granted after it was closed is switched off again', async () => {
  const opening = tracks.open(BOTH);
  tracks.close();
  expect(await opening).toBe('overtaken');
  expect(devices.given).toHaveLength(2);
  for (const track of devices.given) expect(track.stop).toHaveBeenCalledOnce();
  expect(tracks.preview()).toBeNull();
});

test('the later of two requests decides, whichever is answered first', async () => {
  const answer = devices.keepWaiting();
  const first = tracks.open(BOTH);
  const second = tracks.open({ microphone: null });
  answer();
  expect(await first).toBe('overtaken');
  expect(await second).toEqual({
    using: { microphone: 'mic-1', camera: null },
    failures: {},
    muted: NOT_MUTED,
  });
});

test('a device that stops by itself is reported, and is gone from the preview', async () => {
  await tracks.open(BOTH);
  devices.newest('video').end();
  expect(ended).toHaveBeenCalledExactlyOnceWith('camera');
  expect(tracks.preview()?.getTracks()).toEqual([devices.newest('audio')]);
});

test('a device that was replaced is not reported', async () => {
  await tracks.open(BOTH);
  const old = devices.newest('video');
  await tracks.switch('camera', 'cam-2');
  old.end();
  expect(ended).not.toHaveBeenCalled();
});

test('what is switched off is silent at the source, also a device that comes later', async () => {
  await tracks.open(BOTH);
  tracks.enable({ microphone: true, camera: false });
  expect(devices.given.map(({ enabled }) => enabled)).toEqual([true, false]);
  await tracks.switch('camera', 'cam-2');
  expect(devices.newest('video').enabled).toBe(false);
  tracks.enable({ microphone: true, camera: true });
  expect(devices.newest('video').enabled).toBe(true);
});
