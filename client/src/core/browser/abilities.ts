// Owns the look at what this browser lacks, before anything is asked of it.

import type { Abilities } from '../machine/events';

export function abilities(): Abilities {
  return {
    calls:
      typeof RTCPeerConnection === 'function' && 'addTransceiver' in RTCPeerConnection.prototype,
    devices: (navigator.mediaDevices as MediaDevices | undefined) !== undefined,
  };
}
