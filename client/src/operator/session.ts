// Owns the session of who sits at the console: one of the staff, whom the server knows by a cookie that no script can
// read, or anyone who has the operator's token, which stays in memory alone and goes into one request header. It asks the
// server every two seconds, and passes orders on.

import { hasPasskeys, makePasskey, usePasskey } from '../ui/passkeys';
import { operator as words } from '../words';
import { joined, newest } from './overview';
import type { Analytics, AuditPage, Colleague, Me, Opened, Overview } from './types';

/** Milliseconds between questions. */
export const INTERVAL = 2000;

export type State =
  | { view: 'locked'; refusal: string | null; busy: boolean }
  /** Somebody came by a link of theirs. `who` is not known yet, or the link is of no use. */
  | { view: 'enrolling'; who: Enrolment | null; refusal: string | null; busy: boolean }
  /** Somebody is in who may not see the server, but what was done. */
  | { view: 'auditing'; me: Me; notice: string | null }
  | {
      view: 'open';
      /** Null: it is the operator's token. */
      me: Me | null;
      overview: Overview;
      stale: string | null;
      notice: string | null;
      /** An order waits until its giver has shown that it is them. */
      again: boolean;
    };

/** Whom a link is for. */
export interface Enrolment {
  readonly name: string;
  readonly roles: readonly string[];
  readonly options: Parameters<typeof makePasskey>[0];
}

/** How many days are wanted, and of what there is to be a value. */
export interface Past {
  readonly days: number;
  readonly by: 'hour' | 'day';
}

/** Why there is no answer, in words. */
export interface Untold {
  untold: string;
}

/** What touches passkeys: the browser's, or a test's. */
export interface Passkeys {
  has: () => boolean;
  make: typeof makePasskey;
  use: typeof usePasskey;
}

type Fetch = (input: string, init: RequestInit) => Promise<Response>;

const BROWSER: Passkeys = { has: hasPasskeys, make: makePasskey, use: usePasskey };

export class OperatorSession {
  #token = '';
  #me: Me | null = null;
  #link = '';
  #state: State = { view: 'locked', refusal: null, busy: false };
  #listeners = new Set<() => void>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Told whether the giver of an order has shown that it is them. */
  #shown: ((shown: boolean) => void) | undefined;
  readonly #fetch: Fetch;
  readonly #passkeys: Passkeys;

  constructor(fetching: Fetch = (input, init) => fetch(input, init), passkeys: Passkeys = BROWSER) {
    this.#fetch = fetching;
    this.#passkeys = passkeys;
  }

  get state(): State {
    return this.#state;
  }

  get hasPasskeys(): boolean {
    return this.#passkeys.has();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Go on with whom the server knows by the cookie, or with a link. */
  async begin(link: string | null): Promise<void> {
    if (link !== null) return this.#enrolling(link);
    const me = await this.#told<Me | null>('GET', 'videochat/staff/me');
    if (me !== null && !('untold' in me) && this.#state.view === 'locked') await this.#enter(me);
  }

  /** Try a token. What is refused is forgotten. */
  async open(token: string): Promise<void> {
    this.#token = token;
    this.#me = null;
    this.#become({ view: 'locked', refusal: null, busy: true });
    await this.#look();
  }

  /** Sign in with a passkey. */
  async signIn(): Promise<void> {
    this.#become({ view: 'locked', refusal: null, busy: true });
    const me = await this.#signed('videochat/staff/sign-in');
    if ('untold' in me) this.#become({ view: 'locked', refusal: me.untold, busy: false });
    else await this.#enter(me);
  }

  /** Make the passkey that a link is for, and come in. */
  async enrol(): Promise<void> {
    const before = this.#state;
    if (before.view !== 'enrolling') return;
    this.#become({ ...before, refusal: null, busy: true });
    const me = await this.#made();
    if ('untold' in me) this.#become({ ...before, refusal: me.untold, busy: false });
    else await this.#enter(me);
  }

  /** Forget the token and everything shown; who is signed in is signed out. */
  lock(refusal: string | null = null): void {
    clearTimeout(this.#timer);
    this.#answerAgain(false);
    this.#token = '';
    this.#me = null;
    this.#become({ view: 'locked', refusal, busy: false });
  }

  /** Have the server forget who is signed in: here, or wherever they are. */
  async signOut(everywhere = false): Promise<void> {
    const done = await this.#told('POST', 'videochat/staff/sign-out', { everywhere });
    const isRefused = typeof done === 'object' && done !== null && 'untold' in done;
    this.lock(isRefused ? (done as Untold).untold : null);
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
    return this.#question('GET', `videochat/analytics?${asked(past)}`, async (response) => {
      return (await response.json()) as Analytics;
    });
  }

  /** The same for a spreadsheet (CSV). */
  table(past: Past): Promise<Blob | Untold> {
    return this.#question('GET', `videochat/analytics.csv?${asked(past)}`, (response) =>
      response.blob(),
    );
  }

  /** Who is on the staff. */
  staff(): Promise<readonly Colleague[] | Untold> {
    return this.#told('GET', 'videochat/staff');
  }

  /** Let somebody in; gives the address of their link. */
  async invite(name: string, roles: readonly string[]): Promise<string | Untold> {
    return this.#linked(await this.#grave<Opened>('videochat/staff', { name, roles }));
  }

  /** Another link for somebody. */
  async openLink(id: string): Promise<string | Untold> {
    return this.#linked(
      await this.#grave<Opened>(`videochat/staff/${encodeURIComponent(id)}/link`),
    );
  }

  /** Null when it is done. */
  async remove(id: string): Promise<Untold | null> {
    return this.#grave(`videochat/staff/${encodeURIComponent(id)}/remove`);
  }

  /** What staff did, the latest first. */
  audit(before: number | null): Promise<AuditPage | Untold> {
    const from = before === null ? '' : `&before=${before}`;
    return this.#told('GET', `videochat/audit?most=50${from}`);
  }

  /** Show once more that it is them who gave the order that waits. */
  async showAgain(): Promise<void> {
    const me = await this.#signed('videochat/staff/again');
    if (this.#state.view !== 'open') return;
    if ('untold' in me) this.#become({ ...this.#state, again: false, notice: me.untold });
    this.#answerAgain(!('untold' in me));
  }

  /** Let the order be. */
  leaveIt(): void {
    this.#answerAgain(false);
  }

  async #enrolling(link: string): Promise<void> {
    this.#link = link;
    this.#become({ view: 'enrolling', who: null, refusal: null, busy: true });
    const who = await this.#told<Enrolment>('POST', 'videochat/staff/enrolment/begin', { link });
    if ('untold' in who) {
      this.#become({ view: 'enrolling', who: null, refusal: who.untold, busy: false });
    } else this.#become({ view: 'enrolling', who, refusal: null, busy: false });
  }

  async #enter(me: Me): Promise<void> {
    this.#token = '';
    this.#link = '';
    this.#me = me;
    if (!me.scopes.includes('moderate')) {
      this.#become({ view: 'auditing', me, notice: null });
      return;
    }
    this.#become({ view: 'locked', refusal: null, busy: true });
    await this.#look();
  }

  /** Have a passkey made, and tell the server. It is asked again: what it asked when the page came may be too old. */
  async #made(): Promise<Me | Untold> {
    const link = this.#link;
    const who = await this.#told<Enrolment>('POST', 'videochat/staff/enrolment/begin', { link });
    if ('untold' in who) return who;
    const credential = await this.#passkeys.make(who.options);
    if (credential === null) return { untold: words.noPasskeyMade };
    return this.#told<Me>('POST', 'videochat/staff/enrolment', { link, credential });
  }

  /** Have a passkey sign what the server asks, and tell it. */
  async #signed(path: string): Promise<Me | Untold> {
    const options = await this.#told<Parameters<typeof usePasskey>[0]>('POST', `${path}/begin`, {});
    if ('untold' in options) return options;
    const credential = await this.#passkeys.use(options);
    if (credential === null) return { untold: words.noPasskeyUsed };
    return this.#told<Me>('POST', path, { credential });
  }

  #linked(opened: Opened | Untold): string | Untold {
    if ('untold' in opened) return opened;
    const address = new URL(document.baseURI);
    address.search = '';
    address.hash = `enrol=${opened.link}`;
    return address.href;
  }

  /** What is done once its giver has shown that it is them; asked for where the server wants it. */
  async #grave<Answer>(path: string, body: unknown = {}): Promise<Answer | Untold> {
    const response = await this.#obeyed(path, body);
    return response instanceof Response ? ((await content(response)) as Answer) : response;
  }

  async #obeyed(path: string, body: unknown = {}): Promise<Response | Untold> {
    try {
      let response = await this.#ask('POST', path, body);
      if (response.status === 403 && (await coded(response)) === 'sign_in_again') {
        if (!(await this.#isShownAgain())) return { untold: words.leftAlone };
        response = await this.#ask('POST', path, body);
      }
      return response.ok ? response : { untold: await refusal(response) };
    } catch {
      return { untold: words.unreachable };
    }
  }

  #isShownAgain(): Promise<boolean> {
    this.#answerAgain(false);
    if (this.#state.view !== 'open') return Promise.resolve(false);
    this.#become({ ...this.#state, again: true });
    return new Promise((resolve) => {
      this.#shown = resolve;
    });
  }

  #answerAgain(shown: boolean): void {
    const resolve = this.#shown;
    this.#shown = undefined;
    if (this.#state.view === 'open' && this.#state.again) {
      this.#become({ ...this.#state, again: false });
    }
    resolve?.(shown);
  }

  #told<Answer>(method: string, path: string, body?: unknown): Promise<Answer | Untold> {
    return this.#question(
      method,
      path,
      async (response) => (await content(response)) as Answer,
      body,
    );
  }

  async #question<Answer>(
    method: string,
    path: string,
    read: (response: Response) => Promise<Answer>,
    body?: unknown,
  ): Promise<Answer | Untold> {
    try {
      const response = await this.#ask(method, path, body);
      return response.ok ? await read(response) : { untold: await refusal(response) };
    } catch {
      return { untold: words.unreachable };
    }
  }

  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const [token, me] = [this.#token, this.#me];
    const isStill = () => token === this.#token && me === this.#me;
    const since = this.#state.view === 'open' ? newest(this.#state.overview.series) : 0;
    try {
      const response = await this.#ask('GET', `videochat/overview?since=${since}`);
      if (!isStill()) return;
      if (!response.ok) {
        const refused = await refusal(response);
        if (response.status < 500 || this.#state.view === 'locked') return this.lock(refused);
        this.#stale(refused);
      } else {
        this.#show((await response.json()) as Overview);
      }
    } catch {
      if (!isStill()) return;
      if (this.#state.view === 'locked') return this.lock(words.unreachable);
      this.#stale(words.unreachable);
    }
    this.#timer = setTimeout(() => void this.#look(), INTERVAL);
  }

  #show(fresh: Overview): void {
    const before = this.#state;
    if (before.view !== 'open') {
      const begun = { stale: null, notice: null, again: false };
      this.#become({ view: 'open', me: this.#me, overview: fresh, ...begun });
      return;
    }
    const series = joined(before.overview.series, fresh.series);
    this.#become({ ...before, overview: { ...fresh, series }, stale: null });
  }

  #stale(why: string): void {
    if (this.#state.view === 'open') this.#become({ ...this.#state, stale: why });
  }

  async #order(path: string, done: string | ((answer: unknown) => string)): Promise<void> {
    const answer = await this.#grave<unknown>(path);
    const isRefused = typeof answer === 'object' && answer !== null && 'untold' in answer;
    const notice = isRefused
      ? (answer as Untold).untold
      : typeof done === 'string'
        ? done
        : done(answer);
    if (this.#state.view === 'open') this.#become({ ...this.#state, notice });
    await this.#look();
  }

  #ask(method: string, path: string, body?: unknown): Promise<Response> {
    const token: HeadersInit = this.#token === '' ? {} : { Authorization: `Bearer ${this.#token}` };
    const typed: HeadersInit = body === undefined ? {} : { 'Content-Type': 'application/json' };
    return this.#fetch(path, {
      method,
      headers: { ...token, ...typed },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      cache: 'no-store',
      credentials: this.#token === '' ? 'same-origin' : 'omit',
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

/** Null: there is none, and none is needed. */
async function content(response: Response): Promise<unknown> {
  return response.status === 204 ? null : response.json();
}

async function coded(response: Response): Promise<unknown> {
  try {
    return ((await response.clone().json()) as { code?: unknown }).code;
  } catch {
    return undefined;
  }
}

async function refusal(response: Response): Promise<string> {
  const wait = response.headers.get('Retry-After');
  if (response.status === 429 && wait !== null) {
    return words.tooManyAttempts(wait);
  }
  try {
    const body = (await response.json()) as { message?: unknown };
    if (typeof body.message === 'string') return body.message;
  } catch {
    // It was not one of ours: a proxy in front answers in its own way.
  }
  return words.answeredWith(response.status);
}
