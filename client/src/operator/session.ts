// Owns the operator's session: keeps the token in memory alone, asks the server every two seconds, and
// passes orders on. The token goes into one request header and nowhere else.

import { operator as words } from '../words';
import { joined, newest } from './overview';
import type { Analytics, Overview } from './types';

/** Milliseconds between questions. */
export const INTERVAL = 2000;

export type State =
  | { view: 'locked'; refusal: string | null; busy: boolean }
  | { view: 'open'; overview: Overview; stale: string | null; notice: string | null };

/** How many days are wanted, and of what there is to be a value. */
export interface Past {
  readonly days: number;
  readonly by: 'hour' | 'day';
}

/** Why there is no answer, in words. */
export interface Untold {
  untold: string;
}

type Fetch = (input: string, init: RequestInit) => Promise<Response>;

export class OperatorSession {
  #token = '';
  #state: State = { view: 'locked', refusal: null, busy: false };
  #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #fetch: Fetch;

  constructor(fetching: Fetch = (input, init) => fetch(input, init)) {
    this.#fetch = fetching;
  }

  get state(): State {
    return this.#state;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Try a token. What is refused is forgotten. */
  async open(token: string): Promise<void> {
    this.#token = token;
    this.#become({ view: 'locked', refusal: null, busy: true });
    await this.#look();
  }

  /** Forget the token and everything shown. */
  lock(refusal: string | null = null): void {
    clearTimeout(this.#timer);
    this.#token = '';
    this.#become({ view: 'locked', refusal, busy: false });
  }

  endRoom(room: string): Promise<void> {
    return this.#order(`videochat/rooms/${encodeURIComponent(room)}/end`, words.roomEnded);
  }

  drain(): Promise<void> {
    return this.#order('videochat/drain', words.drains);
  }

  async cleanUp(): Promise<void> {
    await this.#order('videochat/cleanup', (done) => {
      return words.cleanedUp(Number((done as { people?: number }).people ?? 0));
    });
  }

  /** What is kept of the latest days. */
  analytics(past: Past): Promise<Analytics | Untold> {
    return this.#question(`videochat/analytics?${asked(past)}`, async (response) => {
      return (await response.json()) as Analytics;
    });
  }

  /** The same for a spreadsheet (CSV). */
  table(past: Past): Promise<Blob | Untold> {
    return this.#question(`videochat/analytics.csv?${asked(past)}`, (response) => response.blob());
  }

  async #question<Answer>(
    path: string,
    read: (response: Response) => Promise<Answer>,
  ): Promise<Answer | Untold> {
    try {
      const response = await this.#ask('GET', path);
      return response.ok ? await read(response) : { untold: await refusal(response) };
    } catch {
      return { untold: words.unreachable };
    }
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const token = this.#token;
    const since = this.#state.view === 'open' ? newest(this.#state.overview.series) : 0;
    try {
      const response = await this.#ask('GET', `videochat/overview?since=${since}`);
      if (token !== this.#token) return;
      if (!response.ok) {
        const refused = await refusal(response);
        if (response.status < 500 || this.#state.view === 'locked') return this.lock(refused);
        this.#stale(refused);
      } else {
        this.#show((await response.json()) as Overview);
      }
    } catch {
      if (token !== this.#token) return;
      if (this.#state.view === 'locked') return this.lock(words.unreachable);
      this.#stale(words.unreachable);
    }
    this.#timer = setTimeout(() => void this.#look(), INTERVAL);
  }

  #show(fresh: Overview): void {
    const before = this.#state;
    if (before.view !== 'open') {
      this.#become({ view: 'open', overview: fresh, stale: null, notice: null });
      return;
    }
    const series = joined(before.overview.series, fresh.series);
    this.#become({ ...before, overview: { ...fresh, series }, stale: null });
  }

  #stale(why: string): void {
    if (this.#state.view === 'open') this.#become({ ...this.#state, stale: why });
  }

  async #order(path: string, done: string | ((answer: unknown) => string)): Promise<void> {
    let notice: string;
    try {
      const response = await this.#ask('POST', path);
      if (response.ok) notice = typeof done === 'string' ? done : done(await response.json());
      else notice = await refusal(response);
    } catch {
      notice = words.unreachable;
    }
    if (this.#state.view === 'open') this.#become({ ...this.#state, notice });
    await this.#look();
  }

  #ask(method: string, path: string): Promise<Response> {
    return this.#fetch(path, {
      method,
      headers: { Authorization: `Bearer ${this.#token}` },
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
    });
  }

  #become(state: State): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function asked({ days, by }: Past): string {
  return `days=${days}&by=${by}`;
}

async function refusal(response: Response): Promise<string> {
  const wait = response.headers.get('Retry-After');
  if (response.status === 429 && wait !== null) {
    return words.tooManyTokens(wait);
  }
  try {
    const body = (await response.json()) as { message?: unknown };
    if (typeof body.message === 'string') return body.message;
  } catch {
    // It was not one of ours: a proxy in front answers in its own way.
  }
  return words.answeredWith(response.status);
}
