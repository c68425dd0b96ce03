import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeDevices, FakePermissions, stubDevices } from '../../testing/fake_devices';
import { listDevices, onDevicesChanged, openDevices } from './devices';

let devices: FakeDevices;
beforeEach(() => {
  devices = stubDevices();
});

describe('asking for devices', () => {
  test('gives those that are wanted, after one question', async () => {
    const opened = await openDevices({ microphone: null, camera: null });
    expect(opened).toEqual({ tracks: devices.given, failures: {} });
    expect(devices.asked).toHaveLength(1);
    expect(devices.given.map(({ kind }) => kind)).toEqual(['audio', 'video']);
  });

  test('asks for no camera where only sound is wanted', async () => {
    await openDevices({ microphone: null });
    expect(devices.asked[0]?.video).toBe(false);
    expect(devices.asked[0]?.audio).toMatchObject({ echoCancellation: true });
  });

  test('gives the camera that was picked, and one that faces the person otherwise', async () => {
    await openDevices({ camera: 'cam-2' });
    await openDevices({ camera: null });
    expect(devices.asked[0]?.video).toMatchObject({ deviceId: { exact: 'cam-2' } });
    expect(devices.asked[1]?.video).toMatchObject({ facingMode: 'user' });
    expect(devices.asked[0]?.video).not.toHaveProperty('facingMode');
  });

  test('gives another in the place of one that was picked and is gone', async () => {
    const { tracks, failures } = await openDevices({ microphone: 'mic-1', camera: 'cam-gone' });
    expect(tracks.map(({ kind }) => kind)).toEqual(['audio', 'video']);
    expect(failures).toEqual({});
    expect(devices.asked.at(-1)?.video).not.toHaveProperty('deviceId');
    expect(devices.asked.at(-2)?.audio).toBe(false);
  });

  test.each([
    ['NotAllowedError', 'refused'],
    ['SecurityError', 'refused'],
    ['NotFoundError', 'none'],
    ['OverconstrainedError', 'none'],
    ['NotReadableError', 'in_use'],
    ['AbortError', 'in_use'],
    ['SomethingNewError', 'other'],
  ])('names %s as %s', async (name, failure) => {
    devices.refusal = name;
    expect(await openDevices({ camera: null })).toEqual({
      tracks: [],
      failures: { camera: failure },
    });
    expect(devices.asked).toHaveLength(1);
  });

  test('on an insecure page fails with a reason of its own', async () => {
    vi.stubGlobal('navigator', {});
    expect(await openDevices({ microphone: null, camera: null })).toEqual({
      tracks: [],
      failures: { microphone: 'insecure', camera: 'insecure' },
    });
  });

  test.each(['NotFoundError', 'NotReadableError', 'NotAllowedError'])(
    'for both gives one that the other, with its %s, would keep out',
    async (refusal) => {
      devices.refusals.audio = refusal;
      const { tracks, failures } = await openDevices({ microphone: null, camera: null });
      expect(tracks.map(({ kind }) => kind)).toEqual(['video']);
      expect(Object.keys(failures)).toEqual(['microphone']);
    },
  );

  test('for both is answered by one refusal, where the browser would ask again', async () => {
    const permissions = new FakePermissions();
    devices = stubDevices(permissions);
    permissions.become('camera', 'prompt');
    permissions.become('microphone', 'denied');
    devices.refusal = 'NotAllowedError';
    const { failures } = await openDevices({ microphone: null, camera: null });
    expect(failures).toEqual({ microphone: 'refused', camera: 'refused' });
    expect(devices.asked).toHaveLength(1);
  });

  test('names an error that is no DOMException by its name', async () => {
    devices.getUserMedia = () => Promise.reject({ name: 'OverconstrainedError' });
    expect((await openDevices({ camera: null })).failures).toEqual({ camera: 'none' });
  });
});

describe('the list of devices', () => {
  test('has each under its kind, without what is neither camera nor microphone', async () => {
    devices.plugged.push({ kind: 'audiooutput', deviceId: 'out', label: 'Speaker' });
    expect(await listDevices()).toEqual({
      microphone: [{ id: 'mic-1', label: 'Desk microphone' }],
      camera: [
        { id: 'cam-1', label: 'Lid camera' },
        { id: 'cam-2', label: 'Desk camera' },
      ],
    });
  });

  test('is empty before permission, when devices have no names', async () => {
    devices.plugged = [{ kind: 'videoinput', deviceId: '', label: '' }];
    expect(await listDevices()).toEqual({ microphone: [], camera: [] });
  });

  test('is empty on an insecure page', async () => {
    vi.stubGlobal('navigator', {});
    expect(await listDevices()).toEqual({ microphone: [], camera: [] });
  });

  test('is reported to have changed until that is ended', () => {
    const changed = vi.fn();
    const end = onDevicesChanged(changed);
    devices.dispatchEvent(new Event('devicechange'));
    end();
    devices.dispatchEvent(new Event('devicechange'));
    expect(changed).toHaveBeenCalledOnce();
  });
});
