// Owns the page's clock and its dice: named timers that run out once. What running out means is the session's to
// say, and a timer that no longer matters may run out without harm.

import type { Timer } from '../machine/effects';

export class Timers {
  readonly #ended: (timer: Timer) => void;
  readonly #running = new Map<Timer, ReturnType<typeof setTimeout>>();

  constructor(ended: (timer: Timer) => void) {
    this.#ended = ended;
  }

  /** Starts a timer, anew if it runs. */
  set(timer: Timer, seconds: number): void {
    clearTimeout(this.#running.get(timer));
    const handle = setTimeout(() => {
      this.#running.delete(timer);
      this.#ended(timer);
    }, seconds * 1000);
    this.#running.set(timer, handle);
  }

  /** The same, with the time drawn evenly from zero to `atMost` seconds. */
  setRandom(timer: Timer, atMost: number): void {
    this.set(timer, Math.random() * atMost);
  }

  close(): void {
    for (const handle of this.#running.values()) clearTimeout(handle);
    this.#running.clear();
  }
}
