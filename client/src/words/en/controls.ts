// The buttons. Each is named by what it will do.

import type { DeviceKind } from '../../core/machine/devices';

export const start = 'Start';
export const next = 'Next';
/** With the key that does the same. */
export const nextTitle = 'Next (Esc)';
export const really = 'Really?';
export const stop = 'Stop';

export const toggles: Record<DeviceKind, { readonly on: string; readonly off: string }> = {
  microphone: { on: 'Mute microphone', off: 'Unmute microphone' },
  camera: { on: 'Turn camera off', off: 'Turn camera on' },
};
