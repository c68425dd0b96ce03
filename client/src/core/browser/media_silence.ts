// Owns the watch over what comes from the relay while the person sends. The relay acknowledges that many
// times a second, so silence means that the path is gone; browsers take five seconds to say so.

import { type Entry, entriesOf, selectedPair } from './path';
import type { Peer } from './peer';

export const LOOKING_MILLISECONDS = 300;
/** Looks in a row that find nothing new. The relay's feedback comes every 50 ms. */
export const SILENT_LOOKS = 3;
/** Looks in a row that find something, after which silence is known to mean that the path is gone. */
export const ALIVE_LOOKS = 3;

export class MediaSilence {
  readonly #peer: () => Pick<Peer, 'stats'> | null;
  readonly #stopped: () => void;
  readonly #looking: ReturnType<typeof setInterval>;
  #received = 0;
  #sent = 0;
  #alive = 0;
  #missed = 0;
  /** Silence before that was taken to mean it once. A relay that acknowledges seldom is not doubted again and again. */
  #doubted = false;
  #closed = false;

  /** `stopped` is called once per silence. */
  constructor(peer: () => Pick<Peer, 'stats'> | null, stopped: () => void) {
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
    const acknowledged = pair?.bytesReceived !== undefined && pair.bytesReceived !== this.#received;
    this.#received = pair?.bytesReceived ?? 0;
    // What a socket refuses, as its address is gone, was sent as well.
    const sent = (pair?.bytesSent ?? 0) + (pair?.bytesDiscardedOnSend ?? 0);
    const sends = pair !== undefined && sent !== this.#sent;
    this.#sent = sent;
    if (acknowledged) {
      this.#missed = 0;
      this.#alive += 1;
    } else if (this.#means(sends)) {
      this.#missed += 1;
    } else {
      this.#missed = 0;
      this.#alive = 0;
    }
    if (this.#missed < SILENT_LOOKS) return;
    this.#missed = 0;
    this.#doubted = true;
    this.#alive = 0;
    this.#stopped();
  }

  /** Whether silence means anything. At the beginning it does as long as something is sent that was to be acknowledged. */
  #means(sends: boolean): boolean {
    return this.#alive >= ALIVE_LOOKS || (sends && !this.#doubted);
  }
}
