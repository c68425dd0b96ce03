// Owns the look at what this browser lacks, before anything is asked of it.

export interface Abilities {
  /** It has WebRTC. Firefox may have it turned off, and some builds leave it out. */
  readonly calls: boolean;
  /** It offers cameras and microphones: over HTTPS and on localhost only (W3C Media Capture, section 9.1). */
  readonly devices: boolean;
}

export function abilities(): Abilities {
  return {
    calls:
      typeof RTCPeerConnection === 'function' && 'addTransceiver' in RTCPeerConnection.prototype,
    devices: (navigator.mediaDevices as MediaDevices | undefined) !== undefined,
  };
}
