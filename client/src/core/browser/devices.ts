// Owns what the browser is asked about cameras and microphones: to open them, to list them, and why
// one was not given. It keeps nothing, and the person is not asked twice: trying again is theirs to do.

import {
  DEVICE_KINDS,
  type Device,
  type DeviceFailure,
  type DeviceKind,
  type PerDevice,
  type Wanted,
} from '../machine/devices';
import { permissionOf } from './permissions';

export interface Opened {
  readonly tracks: readonly MediaStreamTrack[];
  /** Of those that were wanted and were not given. */
  readonly failures: Partial<PerDevice<DeviceFailure>>;
}

const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** 640x480 is what the relay's pairing and congestion figures were measured with. */
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

/**
 * Opens what is wanted, as far as it can be opened: the browser names no culprit when it is asked for two, so each is asked for
 * alone then. A person who refused both is not asked twice more.
 */
export async function openDevices(wanted: Wanted): Promise<Opened> {
  const kinds = DEVICE_KINDS.filter((kind) => wanted[kind] !== undefined);
  const together = await ask(wanted);
  if ('stream' in together) return { tracks: together.stream.getTracks(), failures: {} };
  const tracks: MediaStreamTrack[] = [];
  const failures: { [kind in DeviceKind]?: DeviceFailure } = {};
  for (const kind of kinds) {
    const alone =
      kinds.length === 1 || (await isAnswered(together.failure, kind))
        ? together
        : await ask({ [kind]: wanted[kind] });
    const given = isGone(alone, wanted[kind]) ? await ask({ [kind]: null }) : alone;
    if ('stream' in given) tracks.push(...given.stream.getTracks());
    else failures[kind] = given.failure;
  }
  return { tracks, failures };
}

/** Asking again would not help, or would have the browser ask the person again. */
async function isAnswered(failure: DeviceFailure, kind: DeviceKind): Promise<boolean> {
  if (failure === 'insecure') return true;
  return failure === 'refused' && (await permissionOf(kind)) !== 'granted';
}

/** A device that was picked and is not there any more is replaced by another instead of by a failure. */
function isGone(answer: Answer, picked: string | null | undefined): boolean {
  return 'failure' in answer && answer.failure === 'none' && typeof picked === 'string';
}

type Answer = { readonly stream: MediaStream } | { readonly failure: DeviceFailure };

async function ask({ microphone, camera }: Wanted): Promise<Answer> {
  // Absent outside secure contexts, whatever the type says (W3C Media Capture, section 9.1).
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (devices === undefined) return { failure: 'insecure' };
  try {
    const stream = await devices.getUserMedia({
      audio: microphone === undefined ? false : { ...MICROPHONE, ...which(microphone) },
      video: camera === undefined ? false : { ...CAMERA, ...which(camera, { facingMode: 'user' }) },
    });
    return { stream };
  } catch (cause) {
    return { failure: failureOf(cause) };
  }
}

/** Empty where the browser offers no devices. A failure to list is no reason to stop a call. */
export async function listDevices(): Promise<PerDevice<readonly Device[]>> {
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  const all = (await devices?.enumerateDevices().catch(() => [])) ?? [];
  const of = (kind: MediaDeviceKind) =>
    all
      // Before permission the browser names one nameless device of each kind.
      .filter((device) => device.kind === kind && device.deviceId !== '')
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { microphone: of('audioinput'), camera: of('videoinput') };
}

/** Tells when a device was plugged in or out. Returns what ends it. */
export function onDevicesChanged(changed: () => void): () => void {
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  devices?.addEventListener('devicechange', changed);
  return () => devices?.removeEventListener('devicechange', changed);
}

/** `exact`: where it is only `ideal`, Chromium may open the default one all the same. */
function which(id: string | null, otherwise: MediaTrackConstraints = {}): MediaTrackConstraints {
  return id === null ? otherwise : { deviceId: { exact: id } };
}

/** By name: Firefox's OverconstrainedError is no DOMException. */
function failureOf(cause: unknown): DeviceFailure {
  switch (typeof cause === 'object' && cause !== null && 'name' in cause ? cause.name : null) {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'refused';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'none';
    case 'NotReadableError':
    case 'AbortError':
      return 'in_use';
    default:
      return 'other';
  }
}
