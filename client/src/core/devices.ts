// Owns asking for camera and microphone, and naming why they were not given. It does not choose
// devices, and it never asks twice by itself: that is the person's to do.

export type CameraFailure =
  /** The person or the browser's policy said no. */
  | 'refused'
  /** There is no such device. */
  | 'none'
  /** Another program holds the device. */
  | 'in_use'
  /** The page was not opened over HTTPS (or localhost), so the browser offers no devices at all. */
  | 'insecure'
  | 'other';

export type CameraOutcome = { readonly stream: MediaStream } | { readonly failure: CameraFailure };

/** 640x480 is what the relay's pairing and congestion figures were measured with. */
const CONSTRAINTS: MediaStreamConstraints = {
  audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
  video: {
    width: { ideal: 640 },
    height: { ideal: 480 },
    frameRate: { ideal: 30 },
    facingMode: 'user',
  },
};

export async function openCamera(): Promise<CameraOutcome> {
  // Absent outside secure contexts, whatever the type says (W3C Media Capture, section 9.1).
  const devices: MediaDevices | undefined = navigator.mediaDevices;
  if (devices === undefined) return { failure: 'insecure' };
  try {
    return { stream: await devices.getUserMedia(CONSTRAINTS) };
  } catch (cause) {
    return { failure: failureOf(cause) };
  }
}

export function closeCamera(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

function failureOf(cause: unknown): CameraFailure {
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
