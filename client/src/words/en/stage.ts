// The pictures: the partner, the person's own view, and the signs on them.

import type { DeviceFailure } from '../../core/machine/devices';

export const title = 'Video';

export const partner = 'Partner video';
export const partnerMuted = 'Your partner is muted';
export const speaking = 'Speaking';
export const turnSoundOn = 'Turn sound on';

export const self = 'Your video';
export const microphoneOff = 'Your microphone is off';

/** In the place of the person's own picture. */
export const audioOnly = 'Audio only';
export const textOnly = 'Text only';
export const cameraOff = 'Camera off';
export const noCamera = 'No camera';
export const cameraNotOpen = 'Your camera is not open yet';
export const waitingForBrowser = 'Waiting for your browser';
export const cameraMuted = 'Camera turned off by your system';
export const cameraMissing: Record<DeviceFailure | 'ended', string> = {
  ended: 'Camera disconnected',
  refused: 'Camera not allowed',
  none: noCamera,
  in_use: 'Camera in use elsewhere',
  insecure: 'No camera without https',
  other: 'Camera could not be opened',
};
