// An RTCPeerConnection that negotiates with nobody, and the few media classes around it. It records
// what was asked of it. Only what peer.ts and codecs.ts use of the real ones.

import { vi } from 'vitest';

export class FakeTrack extends EventTarget {
  readonly kind: string;
  readonly id: string;
  readonly stop = vi.fn();
  enabled = true;
  muted = false;

  constructor(kind: string, id: string) {
    super();
    this.kind = kind;
    this.id = id;
  }

  /** The id of a device is that of its track, without what tells tracks of one device apart. */
  getSettings() {
    return { deviceId: this.id.split('#')[0] };
  }

  /** As the system does during a phone call. */
  mute(muted: boolean) {
    this.muted = muted;
    this.dispatchEvent(new Event(muted ? 'mute' : 'unmute'));
  }

  /** As when it is unplugged. */
  end() {
    this.dispatchEvent(new Event('ended'));
  }
}

export class FakeMediaStream {
  readonly tracks: readonly FakeTrack[];

  constructor(tracks: readonly FakeTrack[] = []) {
    this.tracks = tracks;
  }

  getTracks() {
    return this.tracks;
  }
}

class FakeTransceiver {
  readonly init: RTCRtpTransceiverInit;
  readonly sender = {
    track: null as FakeTrack | null,
    parameters: [] as object[],
    getParameters: () => ({ transactionId: 'one' }),
    setParameters: async (parameters: object) => {
      this.sender.parameters.push(parameters);
    },
    replaceTrack: async (track: FakeTrack | null) => {
      this.#checkNotStopped();
      this.sender.track = track;
    },
  };
  readonly receiver: {
    readonly track: FakeTrack;
    sources: Partial<RTCRtpSynchronizationSource>[];
    getSynchronizationSources(): Partial<RTCRtpSynchronizationSource>[];
  };
  mid: string | null = null;
  currentDirection: RTCRtpTransceiverDirection | null = null;
  preferred: readonly RTCRtpCodec[] = [];

  constructor(kind: string, init: RTCRtpTransceiverInit, index: number) {
    this.init = init;
    this.receiver = {
      track: new FakeTrack(kind, `received-${index}`),
      sources: [],
      getSynchronizationSources() {
        return this.sources;
      },
    };
  }

  setCodecPreferences(codecs: readonly RTCRtpCodec[]) {
    this.#checkNotStopped();
    this.preferred = codecs;
  }

  /** As when its section was answered with port 0. */
  stop() {
    this.currentDirection = 'stopped';
    this.mid = null;
  }

  #checkNotStopped() {
    if (this.currentDirection === 'stopped') throw new DOMException('no', 'InvalidStateError');
  }
}

export class FakePeerConnection extends EventTarget {
  /** All that were made, oldest first. */
  static made: FakePeerConnection[] = [];

  configuration: RTCConfiguration;
  readonly transceivers: FakeTransceiver[] = [];
  connectionState: RTCPeerConnectionState = 'new';
  localDescription: { readonly sdp: string } | null = null;
  remoteDescription: RTCSessionDescriptionInit | null = null;
  signalingState: RTCSignalingState = 'stable';
  offers = 0;
  availableOutgoingBitrate: number | undefined;
  qualityLimitationReason = 'none';
  closed = 0;
  restarts = 0;

  constructor(configuration: RTCConfiguration) {
    super();
    this.configuration = configuration;
    FakePeerConnection.made.push(this);
  }

  static get last(): FakePeerConnection {
    const last = FakePeerConnection.made.at(-1);
    if (last === undefined) throw new Error('no RTCPeerConnection was made');
    return last;
  }

  setConfiguration(configuration: RTCConfiguration) {
    this.configuration = configuration;
  }

  addTransceiver(kind: string, init: RTCRtpTransceiverInit) {
    const transceiver = new FakeTransceiver(kind, init, this.transceivers.length);
    this.transceivers.push(transceiver);
    return transceiver;
  }

  get currentRemoteDescription() {
    return this.remoteDescription;
  }

  async setLocalDescription() {
    this.offers += 1;
    this.signalingState = 'have-local-offer';
    this.transceivers.forEach((transceiver, index) => {
      if (transceiver.currentDirection !== 'stopped') transceiver.mid = `mid-${index}`;
    });
    const again = this.restarts === 0 ? '' : ` ${this.restarts + 1}`;
    this.localDescription = { sdp: `the offer${again}` };
  }

  restartIce() {
    this.restarts += 1;
  }

  async setRemoteDescription(description: RTCSessionDescriptionInit) {
    if (description.sdp === 'nonsense') throw new DOMException('no', 'InvalidAccessError');
    this.remoteDescription = description;
    this.signalingState = 'stable';
  }

  async getStats() {
    const { availableOutgoingBitrate, qualityLimitationReason } = this;
    return new Map<string, unknown>([
      ['from', 'the connection'],
      ['t', { type: 'transport', selectedCandidatePairId: 'p' }],
      ['p', { id: 'p', type: 'candidate-pair', availableOutgoingBitrate }],
      ['o', { type: 'outbound-rtp', qualityLimitationReason }],
    ]);
  }

  close() {
    this.closed += 1;
    this.connectionState = 'closed';
  }

  become(state: RTCPeerConnectionState) {
    this.connectionState = state;
    this.dispatchEvent(new Event('connectionstatechange'));
  }

  gather(candidate: Partial<RTCIceCandidate> | null) {
    this.dispatchEvent(Object.assign(new Event('icecandidate'), { candidate }));
  }

  /** What each line sends: a track's id, or null for silence. */
  sending(): (string | null)[] {
    return this.transceivers.map(({ sender }) => sender.track?.id ?? null);
  }
}

const CODECS: Record<string, readonly RTCRtpCodec[]> = {
  audio: [
    { mimeType: 'audio/PCMU', clockRate: 8000 },
    { mimeType: 'audio/opus', clockRate: 48000 },
  ],
  video: [
    { mimeType: 'video/rtx', clockRate: 90000 },
    { mimeType: 'video/VP8', clockRate: 90000 },
    { mimeType: 'video/red', clockRate: 90000 },
  ],
};

/** Takes the place of the browser's own classes until the test ends. */
export function stubMediaGlobals(): void {
  FakePeerConnection.made = [];
  vi.stubGlobal('RTCPeerConnection', FakePeerConnection);
  vi.stubGlobal('MediaStream', FakeMediaStream);
  vi.stubGlobal('RTCRtpReceiver', {
    getCapabilities: (kind: string) => ({ codecs: CODECS[kind] ?? [], headerExtensions: [] }),
  });
}
