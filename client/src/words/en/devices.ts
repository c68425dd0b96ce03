// The choice of microphone and camera.

import type { DeviceKind } from '../../core/machine/devices';

export const title = 'Devices';

export const names: Record<DeviceKind, string> = { microphone: 'Microphone', camera: 'Camera' };

/** One that the browser tells no name of. */
export function numbered(kind: DeviceKind, number: number): string {
  return `${names[kind]} ${number}`;
}

/** In the place of a choice: why no device is open. */
export const notOpen = 'Not open yet';
export const chooseOne = 'Choose one';
export const notAllowed = 'Not allowed yet';
export const notAvailable = 'Not available';
