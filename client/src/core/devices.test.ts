import { beforeEach, describe, expect, test, vi } from 'vitest';
import { type FakeDevices, stubDevices } from '../testing/fake_devices';
import { listDevices, onDevicesChanged, openDevices } from './devices';

let devices: FakeDevices;
beforeEach(() => {
  devices = stubDevices();
});

describe('asking for devices', () => {
  test('gives a stream of those that are wanted', async () => {
    const opened = await openDevices({ microphone: null, camera: null });
    expect('stream' in opened && opened.stream.getTracks()).toEqual(devices.given);
    expect(devices.given.map(({ kind }) => kind)).toEqual(['audio', 'video']);
  });

  test('asks for no camera where only sound is wanted', async () => {
    await openDevices({ microphone: null });
    expect(devices.asked[0]?.video).toBe(false);
    expect(devices.asked[0]?.audio).toMatchObject({ echoCancellation: true });
  });

  test('prefers the camera that was picked, and faces the person otherwise', async () => {
    await openDevices({ camera: 'cam-2' });
    await openDevices({ camera: null });
    expect(devices.asked[0]?.video).toMatchObject({ deviceId: { ideal: 'cam-2' } });
    expect(devices.asked[1]?.video).toMatchObject({ facingMode: 'user' });
    expect(devices.asked[0]?.video).not.toHaveProperty('facingMode');
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
    expect(await openDevices({ camera: null })).toEqual({ failure });
  });

  test('on an insecure page fails with a reason of its own', async () => {
    vi.stubGlobal('navigator', {});
    expect(await openDevices({ camera: null })).toEqual({ failure: 'insecure' });
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
