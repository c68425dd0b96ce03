// Owns what the browser is asked about cameras and microphones: to open one, to list them, and why
// one was not given. It keeps nothing, and it never asks twice by itself: that is the person's to do.

export type DeviceKind = 'microphone' | 'camera';

/** One value for the microphone and one for the camera. */
export type PerDevice<Value> = { readonly [kind in DeviceKind]: Value };

export interface Device {
  readonly id: string;
  /** In the browser's words. Empty until the person has allowed a device of this kind. */
  readonly label: string;
}

export type DeviceFailure =
  /** The person or the browser's policy said no. */
  | 'refused'
  /** There is no such device. */
  | 'none'
  /** Another program holds the device. */
  | 'in_use'
  /** The page was not opened over HTTPS (or localhost), so the browser offers no devices at all. */
  | 'insecure'
  | 'other';

export type Opened = { readonly stream: MediaStream } | { readonly failure: DeviceFailure };

/** Which devices to open, each by its id, or null for whichever the browser thinks best. */
export type Wanted = Partial<PerDevice<string | null>>;

const MICROPHONE = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** 640x480 is what the relay's pairing and congestion figures were measured with. */
const CAMERA = { width: { ideal: 640 }, height: { ideal: 480 }, frameRate: { ideal: 30 } };

export async function openDevices({ microphone, camera }: Wanted): Promise<Opened> {
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

/** `ideal`, so that a device that is gone by now is replaced by another instead of by a failure. */
function which(id: string | null, otherwise: MediaTrackConstraints = {}): MediaTrackConstraints {
  return id === null ? otherwise : { deviceId: { ideal: id } };
}

function failureOf(cause: unknown): DeviceFailure {
  if (!(cause instanceof DOMException)) return 'other';
  switch (cause.name) {
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
