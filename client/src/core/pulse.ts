// Owns the watch over what comes from the relay while the person sends. The relay acknowledges that many
// times a second, so silence means that the way is gone; browsers take five seconds to say so.

import { type Entry, entriesOf, selectedPair } from './path';

export const LOOKING_MILLISECONDS = 300;
/** Looks in a row that find nothing new. The relay's feedback comes every 50 ms. */
export const SILENT_LOOKS = 3;
/** Looks in a row that find something, before silence means anything. */
export const BEATING_LOOKS = 3;

/** What is asked of the media connection (peer.ts). */
export interface Watched {
  stats(): Promise<RTCStatsReport>;
}

export class Pulse {
  readonly #peer: () => Watched | null;
  readonly #stopped: () => void;
  readonly #looking: ReturnType<typeof setInterval>;
  #bytes = 0;
  #beats = 0;
  #missed = 0;
  #closed = false;

  /** `stopped` is called once per silence. */
  constructor(peer: () => Watched | null, stopped: () => void) {
    this.#peer = peer;
    this.#stopped = stopped;
    this.#looking = setInterval(() => void this.#look(), LOOKING_MILLISECONDS);
  }

  close(): void {
    this.#closed = true;
    clearInterval(this.#looking);
  }

  async #look(): Promise<void> {
    const stats = await this.#peer()
      ?.stats()
      .catch(() => undefined);
    if (this.#closed || stats === undefined) return;
    const bytes = selectedPair(entriesOf<Entry>(stats))?.bytesReceived;
    // Another pair counts from zero.
    const beats = bytes !== undefined && bytes !== this.#bytes;
    this.#bytes = bytes ?? 0;
    if (beats) {
      this.#missed = 0;
      this.#beats += 1;
    } else if (this.#beats < BEATING_LOOKS) {
      this.#beats = 0;
    } else {
      this.#missed += 1;
      if (this.#missed < SILENT_LOOKS) return;
      this.#beats = 0;
      this.#stopped();
    }
  }
}
