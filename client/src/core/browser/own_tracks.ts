// Owns the person's microphone and camera while they are open: one track of each, switched one at a
// time. It does not decide what is sent (peer.ts sends), and remembers no choice once it is closed.

import {
  type Captured,
  type DeviceKind,
  DEVICE_KINDS as KINDS,
  type PerDevice,
  type Wanted,
} from '../machine/devices';
import { openDevices } from './devices';
import { watchTrack } from './track_watch';

export interface TracksObserver {
  /** A device stopped by itself, for example because it was unplugged. */
  ended(kind: DeviceKind): void;
  /** Nothing comes from a device any more, or something does again. */
  muted(kind: DeviceKind, muted: boolean): void;
}

export class OwnTracks {
  readonly #observer: TracksObserver;
  readonly #tracks: { [kind in DeviceKind]: MediaStreamTrack | null } = {
    microphone: null,
    camera: null,
  };
  /** Each ends the watch over the track there is, or was. */
  readonly #leave: { [kind in DeviceKind]?: () => void } = {};
  #on: PerDevice<boolean> = { microphone: true, camera: true };
  readonly #attempts: { [kind in DeviceKind]: number } = { microphone: 0, camera: 0 };

  constructor(observer: TracksObserver) {
    this.#observer = observer;
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
  open(wanted: Wanted): Promise<Captured | 'overtaken'> {
    this.close();
    return this.#ask(wanted);
  }

  /** Closes the one that is open first: many phones have room for one camera at a time. */
  switch(kind: DeviceKind, id: string | null): Promise<Captured | 'overtaken'> {
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

  /** `overtaken`: another `open`, `switch` or `close` came after this one, and decides. */
  async #ask(wanted: Wanted): Promise<Captured | 'overtaken'> {
    const kinds = KINDS.filter((kind) => kind in wanted);
    const attempts = { ...this.#attempts };
    const { tracks, failures } = await openDevices(wanted);
    const overtaken = kinds.some((kind) => attempts[kind] !== this.#attempts[kind]);
    if (overtaken) {
      for (const track of tracks) track.stop();
      return 'overtaken';
    }
    for (const track of tracks) this.#hold(track);
    return {
      using: { microphone: this.#deviceOf('microphone'), camera: this.#deviceOf('camera') },
      failures,
      muted: { microphone: this.#isMuted('microphone'), camera: this.#isMuted('camera') },
    };
  }

  #hold(track: MediaStreamTrack): void {
    const kind = track.kind === 'audio' ? 'microphone' : 'camera';
    this.#tracks[kind] = track;
    track.enabled = this.#on[kind];
    // Not fired by our own stop() (W3C Media OwnTracks, section 4.3.1).
    track.addEventListener('ended', () => {
      if (this.#tracks[kind] !== track) return;
      this.#tracks[kind] = null;
      this.#leave[kind]?.();
      this.#observer.ended(kind);
    });
    this.#leave[kind] = watchTrack(track, (muted) => this.#observer.muted(kind, muted));
  }

  #isMuted(kind: DeviceKind): boolean {
    return this.#tracks[kind]?.muted === true;
  }

  #release(kind: DeviceKind): void {
    this.#attempts[kind] += 1;
    this.#leave[kind]?.();
    this.#tracks[kind]?.stop();
    this.#tracks[kind] = null;
  }

  #deviceOf(kind: DeviceKind): string | null {
    const track = this.#tracks[kind];
    return track === null ? null : (track.getSettings().deviceId ?? '');
  }
}
