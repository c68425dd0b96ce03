// Owns that the element in which somebody is shown plays while it is to play. Browsers pause it by themselves (a phone call, a page out of
// sight, a sound device that went), refuse sound that nobody asked for, and tell of the pause alone.

import type { PlaybackState } from '../machine/state';

/** Between tries while the browser refuses. The first are quick: a sound service that crashed is back at once. */
const PAUSES_MILLISECONDS: readonly number[] = [100, 300, 1000, 2000];
/** Tries that come to nothing before that is said. */
const TRIES = 3;

export class Playback {
  readonly #video: HTMLVideoElement;
  readonly #tell: (state: PlaybackState) => void;
  readonly #ending = new AbortController();
  #wanted = false;
  #told: PlaybackState = 'playing';
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(video: HTMLVideoElement, tell: (state: PlaybackState) => void) {
    this.#video = video;
    this.#tell = tell;
    const { signal } = this.#ending;
    const look = () => this.#look();
    for (const type of ['pause', 'loadedmetadata', 'volumechange'])
      video.addEventListener(type, look, { signal });
    // Any of these may be what the browser waited for.
    document.addEventListener('visibilitychange', look, { signal });
    document.addEventListener('resume', look, { signal });
    window.addEventListener('pageshow', look, { signal });
    const devices: MediaDevices | undefined = navigator.mediaDevices;
    devices?.addEventListener('devicechange', look, { signal });
  }

  /** From now on it is to play, for somebody new; or it need not. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    this.#failures = 0;
    this.#told = 'playing';
    clearTimeout(this.#timer);
    if (wanted) void this.#play();
  }

  /** The person pressed: what the browser would not do unasked it does now. */
  press(): void {
    this.#video.muted = false;
    void this.#play();
  }

  close(): void {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#ending.abort();
  }

  #look(): void {
    if (!this.#wanted) return;
    if (this.#video.paused) void this.#play();
    else this.#say(this.#video.muted ? 'silenced' : 'playing');
  }

  async #play(): Promise<void> {
    clearTimeout(this.#timer);
    // Where there is nothing to play yet, `loadedmetadata` will tell.
    if (this.#video.srcObject === null) return;
    try {
      await this.#video.play();
      this.#failures = 0;
      this.#say(this.#video.muted ? 'silenced' : 'playing');
    } catch (cause) {
      this.#refused(cause instanceof DOMException && cause.name === 'NotAllowedError');
    }
  }

  /** Without sound it may play, so at least the picture is there while the person decides. */
  #refused(unasked: boolean): void {
    if (!this.#wanted) return;
    this.#failures += 1;
    if (unasked && !this.#video.muted) {
      this.#video.muted = true;
      void this.#play();
      return;
    }
    if (this.#failures > TRIES) this.#say('stopped');
    const pause = PAUSES_MILLISECONDS[this.#failures - 1] ?? PAUSES_MILLISECONDS.at(-1);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#look(), pause);
  }

  #say(state: PlaybackState): void {
    if (!this.#wanted || state === this.#told) return;
    this.#told = state;
    this.#tell(state);
  }
}
