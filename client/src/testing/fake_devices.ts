// The browser's cameras and microphones: what it was asked for, and what it gave. Only what devices.ts
// uses of the real ones.

import { vi } from 'vitest';
import { FakeMediaStream, FakeTrack } from './fake_peer_connection';

export class FakeDevices extends EventTarget {
  /** Every request so far. */
  readonly asked: MediaStreamConstraints[] = [];
  /** Every track that was given, oldest first. */
  readonly given: FakeTrack[] = [];
  plugged: { readonly kind: MediaDeviceKind; readonly deviceId: string; readonly label: string }[] =
    [
      { kind: 'audioinput', deviceId: 'mic-1', label: 'Desk microphone' },
      { kind: 'videoinput', deviceId: 'cam-1', label: 'Lid camera' },
      { kind: 'videoinput', deviceId: 'cam-2', label: 'Desk camera' },
    ];
  /** The name of the error that the next requests end with. */
  refusal: string | null = null;
  /** The same, for requests that ask for one of this kind. */
  readonly refusals: { audio?: string; video?: string } = {};
  #hold: Promise<void> = Promise.resolve();

  async getUserMedia(constraints: MediaStreamConstraints) {
    this.asked.push(constraints);
    await this.#hold;
    if (this.refusal !== null) throw new DOMException('', this.refusal);
    for (const kind of ['audio', 'video'] as const) {
      const refusal = this.refusals[kind];
      if (constraints[kind] !== false && refusal !== undefined) throw new DOMException('', refusal);
    }
    const tracks = (['audio', 'video'] as const)
      .filter((kind) => constraints[kind] !== false)
      .map((kind) => new FakeTrack(kind, this.#idFor(kind, constraints[kind])));
    this.given.push(...tracks);
    return new FakeMediaStream(tracks);
  }

  async enumerateDevices() {
    return this.plugged;
  }

  /** The newest track of this kind. */
  newest(kind: 'audio' | 'video'): FakeTrack {
    const track = this.given.findLast((each) => each.kind === kind);
    if (track === undefined) throw new Error(`no ${kind} track was given`);
    return track;
  }

  /** Requests wait until the returned function is called. */
  keepWaiting(): () => void {
    const gate = new EventTarget();
    this.#hold = new Promise((done) => {
      gate.addEventListener('open', () => done());
    });
    return () => gate.dispatchEvent(new Event('open'));
  }

  #idFor(kind: 'audio' | 'video', constraints: boolean | MediaTrackConstraints | undefined) {
    const wanted = typeof constraints === 'object' ? constraints.deviceId : undefined;
    const exact = typeof wanted === 'object' && 'exact' in wanted ? wanted.exact : undefined;
    const device = typeof exact === 'string' ? exact : kind === 'audio' ? 'mic-1' : 'cam-1';
    if (!this.plugged.some(({ deviceId }) => deviceId === device))
      throw new DOMException('', 'OverconstrainedError');
    return `${device}#${this.given.length}`;
  }
}

/** What the person allowed, by kind. */
export class FakePermissions {
  readonly #statuses = { camera: new FakeStatus(), microphone: new FakeStatus() };

  async query({ name }: { readonly name: 'camera' | 'microphone' }): Promise<FakeStatus> {
    return this.#statuses[name];
  }

  become(name: 'camera' | 'microphone', state: PermissionState) {
    this.#statuses[name].state = state;
    this.#statuses[name].dispatchEvent(new Event('change'));
  }
}

class FakeStatus extends EventTarget {
  state: PermissionState = 'granted';
}

/** Takes the place of the browser's own until the test ends. */
export function stubDevices(permissions = new FakePermissions()): FakeDevices {
  const devices = new FakeDevices();
  vi.stubGlobal('navigator', { mediaDevices: devices, permissions });
  return devices;
}
