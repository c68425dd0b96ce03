// Owns what the page knows of a person's account, and asks the relay for it over HTTP: where there are accounts at all,
// signing in and out by a passkey of the browser's, the way to the operator's provider, and what an account carries.

import {
  type CreationOptions,
  hasPasskeys,
  makePasskey,
  type RequestOptions,
  usePasskey,
} from './passkeys';

const ACCOUNT = 'videochat/account';
/** In the address, when somebody comes back from the provider: what became of it. */
const CAME_BACK = 'sign-in';

export interface Account {
  readonly nickname: string | null;
  readonly preferences: Readonly<Record<string, unknown>>;
  readonly passkeys: number;
  readonly sessions: number;
}

export interface AccountState {
  readonly accounts: 'off' | 'optional' | 'required';
  /** One may sign in by a passkey here, and this browser can. */
  readonly passkeys: boolean;
  /** The provider's name. */
  readonly provider: string | null;
  /** Null: not signed in. */
  readonly account: Account | null;
  /** The person looks at it. */
  readonly open: boolean;
  readonly busy: boolean;
  /** The code of what was refused. */
  readonly trouble: string | null;
  readonly done: 'saved' | 'added' | null;
}

export const NO_ACCOUNTS: AccountState = {
  accounts: 'off',
  passkeys: false,
  provider: null,
  account: null,
  open: false,
  busy: false,
  trouble: null,
  done: null,
};

/** What the page needs of it. */
export interface AccountView {
  readonly state: () => AccountState;
  readonly subscribe: (changed: () => void) => () => void;
  readonly show: (open: boolean) => void;
  readonly signIn: () => void;
  readonly makePasskey: () => void;
  readonly goToProvider: () => void;
  readonly rename: (nickname: string) => void;
  readonly signOut: () => void;
  readonly remove: () => void;
}

/** What shows it is given. */
export interface AccountProps {
  readonly state: AccountState;
  readonly account: AccountView;
}

/** What an account carries from device to device. */
export interface Carried {
  readonly carried: () => Readonly<Record<string, unknown>>;
  readonly adopt: (carried: Readonly<Record<string, unknown>>) => void;
  readonly onCarried: (changed: () => void) => void;
}

class Refused extends Error {
  readonly code: string;

  constructor(code: string) {
    super(code);
    this.code = code;
  }
}

export class AccountDesk implements AccountView {
  readonly #carried: Carried;
  readonly #subscribers = new Set<() => void>();
  #state = NO_ACCOUNTS;

  constructor(carried: Carried) {
    this.#carried = carried;
    carried.onCarried(() => void this.#keep(this.#state.account?.nickname ?? null));
  }

  readonly state = (): AccountState => this.#state;

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#subscribers.add(changed);
    return () => this.#subscribers.delete(changed);
  };

  /** Asks how it is. Who comes from the provider and was not let in is told why. */
  async look(): Promise<void> {
    const became = takeFromAddress();
    try {
      this.#take(await ask('GET', ''));
    } catch {
      // Then there is nothing to sign in to, and people meet all the same.
    }
    if (became !== null && became !== 'done') this.#set({ open: true, trouble: became });
  }

  /** Whether they have to sign in before they meet somebody. */
  readonly isNeeded = (): boolean =>
    this.#state.accounts === 'required' && this.#state.account === null;

  readonly show = (open: boolean): void => this.#set({ open, trouble: null, done: null });

  readonly signIn = (): void =>
    void this.#try(async () => {
      const options = (await ask('POST', '/sign-in/begin', {})) as RequestOptions;
      const credential = wanted(await usePasskey(options));
      this.#enter(await ask('POST', '/sign-in', { credential }));
    });

  /** A new account's, or one more for who is signed in. */
  readonly makePasskey = (): void =>
    void this.#try(async () => {
      const { account } = this.#state;
      const begun = (await ask('POST', '/passkeys/begin', {})) as {
        owner: string;
        options: CreationOptions;
      };
      const credential = wanted(await makePasskey(begun.options));
      const told = await ask('POST', '/passkeys', { owner: begun.owner, credential });
      if (account === null) this.#enter(told);
      else {
        this.#take(told);
        this.#set({ done: 'added' });
      }
    });

  readonly goToProvider = (): void =>
    void this.#try(async () => {
      const back = new URL(`${ACCOUNT}/back`, location.origin + location.pathname).href;
      const { url } = (await ask('POST', '/provider', { back })) as { url: string };
      location.assign(url);
    });

  readonly rename = (nickname: string): void =>
    void this.#try(async () => {
      await this.#write(nickname);
      this.#take(await ask('GET', ''));
      this.#set({ done: 'saved' });
    });

  readonly signOut = (): void =>
    void this.#try(async () => {
      await ask('POST', '/sign-out', {});
      this.#set({ account: null, open: false });
    });

  readonly remove = (): void =>
    void this.#try(async () => {
      await ask('DELETE', '');
      this.#set({ account: null, open: false });
    });

  /** Somebody signed in. Where that was needed, the socket has to be opened by who they are now. */
  #enter(told: unknown): void {
    const { accounts } = this.#state;
    this.#take(told);
    this.#set({ open: false });
    if (accounts === 'required') location.reload();
  }

  #take(told: unknown): void {
    const { accounts, passkeys, provider, account } = told as Omit<AccountState, 'open'>;
    const isNew = account !== null && this.#state.account === null;
    this.#set({ accounts, passkeys: passkeys && hasPasskeys(), provider, account });
    if (!isNew) return;
    // What it carries goes before what this browser remembers.
    if (Object.keys(account.preferences).length > 0) this.#carried.adopt(account.preferences);
    else void this.#keep(account.nickname);
  }

  async #keep(nickname: string | null): Promise<void> {
    if (this.#state.account === null) return;
    try {
      await this.#write(nickname);
    } catch {
      // It holds in this browser, and is sent with the next change.
    }
  }

  #write(nickname: string | null): Promise<unknown> {
    return ask('PATCH', '', { nickname, preferences: this.#carried.carried() });
  }

  async #try(step: () => Promise<void>): Promise<void> {
    if (this.#state.busy) return;
    this.#set({ busy: true, trouble: null, done: null });
    try {
      await step();
    } catch (cause) {
      const trouble = cause instanceof Refused ? cause.code : 'other';
      this.#set(trouble === 'signed_out' ? { trouble, account: null } : { trouble });
    }
    this.#set({ busy: false });
  }

  #set(change: Partial<AccountState>): void {
    this.#state = { ...this.#state, ...change };
    for (const changed of this.#subscribers) changed();
  }
}

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const init: RequestInit = { method, cache: 'no-store', credentials: 'same-origin' };
  if (body !== undefined) {
    init.headers = { 'Content-Type': 'application/json' };
    init.body = JSON.stringify(body);
  }
  const response = await fetch(ACCOUNT + path, init);
  const told: unknown = response.status === 204 ? null : await response.json();
  if (response.ok) return told;
  throw new Refused(String((told as { code?: unknown }).code));
}

/** What the person's authenticator says. Who closes its window wants nothing more. */
function wanted(credential: unknown): unknown {
  if (credential === null) throw new Refused('cancelled');
  return credential;
}

function takeFromAddress(): string | null {
  const address = new URL(location.href);
  const became = address.searchParams.get(CAME_BACK);
  if (became !== null) {
    address.searchParams.delete(CAME_BACK);
    history.replaceState(history.state, '', address);
  }
  return became;
}
