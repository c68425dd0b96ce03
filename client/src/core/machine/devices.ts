// Owns what the session knows of microphones and cameras: their kinds, what may be had of them, and why not. Types alone, but for
// the list of kinds: capture.ts has the transitions, and browser/devices.ts opens them.

export type DeviceKind = 'microphone' | 'camera';
export const DEVICE_KINDS: readonly DeviceKind[] = ['microphone', 'camera'];

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

/** Whether the browser would give a device. `unknown`: it does not tell (Firefox before 131), or not yet. */
export type Permission = 'granted' | 'denied' | 'prompt' | 'unknown';

/** Which devices to open, each by its id, or null for the one that the browser thinks best. */
export type Wanted = Partial<PerDevice<string | null>>;

/** What came of it. */
export interface Captured {
  /** The id of the device that is open, or null where none is. */
  readonly using: PerDevice<string | null>;
  /** Of those that were wanted this time and were not given. */
  readonly failures: Partial<PerDevice<DeviceFailure>>;
  /** What the system keeps silent or dark, as it does during a phone call. */
  readonly muted: PerDevice<boolean>;
}
