// Owns the watch over what comes from the relay while the person sends. The relay acknowledges that many
// times a second, so silence means that the way is gone; browsers take five seconds to say so.

import { type Entry, entriesOf, selectedPair } from './path';

export const LOOKING_MILLISECONDS = 300;
/** Looks in a row that find nothing new. The relay's feedback comes every 50 ms. */
export const SILENT_LOOKS = 3;
/** Looks in a row that find something, after which silence is known to mean that the way is gone. */
export const BEATING_LOOKS = 3;

/** What is asked of the media connection (peer.ts). */
export interface Watched {
  stats(): Promise<RTCStatsReport>;
}

export class Pulse {
  readonly #peer: () => Watched | null;
  readonly #stopped: () => void;
  readonly #looking: ReturnType<typeof setInterval>;
  #received = 0;
  #sent = 0;
  #beats = 0;
  #missed = 0;
  /** Silence before that was taken to mean it once. A relay that acknowledges seldom is not doubted again and again. */
  #doubted = false;
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
    const pair = selectedPair(entriesOf<Entry>(stats));
    // Another pair counts from zero.
    const beats = pair?.bytesReceived !== undefined && pair.bytesReceived !== this.#received;
    this.#received = pair?.bytesReceived ?? 0;
    // What a socket refuses, as its address is gone, was sent as well.
    const sent = (pair?.bytesSent ?? 0) + (pair?.bytesDiscardedOnSend ?? 0);
    const sends = pair !== undefined && sent !== this.#sent;
    this.#sent = sent;
    if (beats) {
      this.#missed = 0;
      this.#beats += 1;
    } else if (this.#means(sends)) {
      this.#missed += 1;
    } else {
      this.#missed = 0;
      this.#beats = 0;
    }
    if (this.#missed < SILENT_LOOKS) return;
    this.#missed = 0;
    this.#doubted = true;
    this.#beats = 0;
    this.#stopped();
  }

  /** Whether silence means anything. At the beginning it does as long as something is sent that was to be acknowledged. */
  #means(sends: boolean): boolean {
    return this.#beats >= BEATING_LOOKS || (sends && !this.#doubted);
  }
}
