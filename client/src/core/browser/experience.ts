// Owns the measuring of one conversation: how soon somebody was seen or heard, and how it goes. What is
// done with it is the session's to say.

import type { FirstFrame, FirstSign, QualityReport } from '../protocol';
import type { Peer } from './peer';
import { between, type Picture, type Reading, read } from './quality';

/** Between reports (relay/protocol/README.md). */
export const REPORT_SECONDS = 10;

/** Between looks for the first sound. */
const LISTENING_MILLISECONDS = 50;

/** What is asked of the media connection. */
type Measured = Pick<Peer, 'stats' | 'lastHeard'>;

export interface ExperienceObserver {
  /** The first frame or the first sound, once. */
  seenOrHeard(first: FirstFrame['data']): void;
  measured(report: QualityReport['data']): void;
}

export class Experience {
  readonly roomId: string;
  readonly #began = now();
  readonly #peer: () => Measured | null;
  readonly #observer: ExperienceObserver;
  readonly #reports: ReturnType<typeof setInterval>;
  #picture: Picture = 'none';
  #before: Reading | null = null;
  #looks = 0;
  #listening: ReturnType<typeof setInterval> | undefined;
  #first: 'awaited' | 'told' = 'awaited';

  /** Begins with the conversation. */
  constructor(roomId: string, peer: () => Measured | null, observer: ExperienceObserver) {
    this.roomId = roomId;
    this.#peer = peer;
    this.#observer = observer;
    this.#reports = setInterval(() => void this.#measure(), REPORT_SECONDS * 1000);
  }

  /** What is to come from the others from now on: their cameras may go off and on. */
  expect(medium: FirstSign): void {
    this.#picture = medium === 'picture' ? 'awaited' : 'none';
    clearInterval(this.#listening);
    if (medium === 'sound' && this.#first === 'awaited') {
      this.#listening = setInterval(() => this.#listen(), LISTENING_MILLISECONDS);
    }
    void this.#startOver();
  }

  /**
   * A frame was painted where none had been. What was before is no freeze, though browsers count it as one: the line
   * outlives partners and cameras that are off. `inView`: the page was, for all the time since it was expected. Others
   * paint nothing, so they tell nothing of how soon it came.
   */
  painted(inView: boolean): void {
    if (this.#picture === 'none') return;
    this.#picture = 'there';
    if (inView) this.#tell('picture', now());
    else this.#first = 'told';
    void this.#startOver();
  }

  close(): void {
    clearInterval(this.#listening);
    clearInterval(this.#reports);
    this.#first = 'told';
    this.#looks += 1;
    this.#before = null;
  }

  /** How it was since the last time, where that can be said. */
  async #measure(): Promise<void> {
    const before = this.#before;
    const after = await this.#look();
    if (after === null || before !== this.#before) return;
    this.#before = after;
    const quality = before === null ? null : between(before, after, this.#picture);
    if (quality !== null) this.#observer.measured({ room_id: this.roomId, ...quality });
  }

  async #startOver(): Promise<void> {
    this.#looks += 1;
    const look = this.#looks;
    this.#before = null;
    const reading = await this.#look();
    if (look === this.#looks) this.#before = reading;
  }

  async #look(): Promise<Reading | null> {
    const stats = await this.#peer()
      ?.stats()
      .catch(() => undefined);
    return stats === undefined ? null : read(stats);
  }

  #listen(): void {
    const heard = this.#peer()?.lastHeard() ?? null;
    if (heard !== null && heard > this.#began) this.#tell('sound', heard);
  }

  #tell(medium: FirstSign, at: number): void {
    clearInterval(this.#listening);
    if (this.#first === 'told') return;
    this.#first = 'told';
    const seconds = Math.round(at - this.#began) / 1000;
    this.#observer.seenOrHeard({
      room_id: this.roomId,
      medium,
      seconds: Math.min(3600, Math.max(0, seconds)),
    });
  }
}

function now(): number {
  return performance.timeOrigin + performance.now();
}
