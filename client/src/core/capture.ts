// Owns the person's microphone and camera while they are open: one track of each, switched one at a
// time. It does not decide what is sent (peer.ts sends), and remembers no choice once it is closed.

import {
  type DeviceFailure,
  type DeviceKind,
  openDevices,
  type PerDevice,
  type Wanted,
} from './devices';

export type Captured =
  /** The id of the device that is open, or null where none is. */
  | { readonly using: PerDevice<string | null> }
  | { readonly failure: DeviceFailure }
  /** Another `open`, `switch` or `close` came after this one, and decides. */
  | 'overtaken';

const KINDS: readonly DeviceKind[] = ['microphone', 'camera'];

export class Capture {
  readonly #ended: (kind: DeviceKind) => void;
  readonly #tracks: { [kind in DeviceKind]: MediaStreamTrack | null } = {
    microphone: null,
    camera: null,
  };
  #on: PerDevice<boolean> = { microphone: true, camera: true };
  readonly #attempts: { [kind in DeviceKind]: number } = { microphone: 0, camera: 0 };

  /** `ended`: a device stopped by itself, for example because it was unplugged. */
  constructor(ended: (kind: DeviceKind) => void) {
    this.#ended = ended;
  }

  track(kind: DeviceKind): MediaStreamTrack | null {
    return this.#tracks[kind];
  }

  /** A stream of the open tracks, for the person to see themselves. Null when there is none. */
  preview(): MediaStream | null {
    const tracks = KINDS.flatMap((kind) => this.#tracks[kind] ?? []);
    return tracks.length === 0 ? null : new MediaStream(tracks);
  }

  /** Closes what is open, and opens what is wanted. */
  open(wanted: Wanted): Promise<Captured> {
    this.close();
    return this.#ask(wanted);
  }

  /** Closes the one that is open first: many phones have room for one camera at a time. */
  switch(kind: DeviceKind, id: string | null): Promise<Captured> {
    this.#release(kind);
    return this.#ask({ [kind]: id });
  }

  /** Silences at the source what is switched off, whichever device it is. */
  enable(on: PerDevice<boolean>): void {
    this.#on = on;
    for (const kind of KINDS) {
      const track = this.#tracks[kind];
      if (track !== null) track.enabled = on[kind];
    }
  }

  close(): void {
    for (const kind of KINDS) this.#release(kind);
  }

  async #ask(wanted: Wanted): Promise<Captured> {
    const kinds = KINDS.filter((kind) => kind in wanted);
    const attempts = { ...this.#attempts };
    const opened = await openDevices(wanted);
    const overtaken = kinds.some((kind) => attempts[kind] !== this.#attempts[kind]);
    if (overtaken) {
      if ('stream' in opened) for (const track of opened.stream.getTracks()) track.stop();
      return 'overtaken';
    }
    if ('failure' in opened) return opened;
    for (const track of opened.stream.getTracks()) this.#hold(track);
    return {
      using: { microphone: this.#deviceOf('microphone'), camera: this.#deviceOf('camera') },
    };
  }

  #hold(track: MediaStreamTrack): void {
    const kind = track.kind === 'audio' ? 'microphone' : 'camera';
    this.#tracks[kind] = track;
    track.enabled = this.#on[kind];
    // Not fired by our own stop() (W3C Media Capture, section 4.3.1).
    track.addEventListener('ended', () => {
      if (this.#tracks[kind] !== track) return;
      this.#tracks[kind] = null;
      this.#ended(kind);
    });
  }

  #release(kind: DeviceKind): void {
    this.#attempts[kind] += 1;
    this.#tracks[kind]?.stop();
    this.#tracks[kind] = null;
  }

  #deviceOf(kind: DeviceKind): string | null {
    const track = this.#tracks[kind];
    return track === null ? null : (track.getSettings().deviceId ?? '');
  }
}
