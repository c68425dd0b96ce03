// Owns what a browser remembers of a person between visits: what they share and with which devices, whether the search goes
// on by itself, and whether they want to be called. Nothing of it
// leaves the browser, unless they sign in to an account: then that carries it, but for devices.

import type { PerDevice } from '../core/machine/devices';
import { FIRST_STATE } from '../core/machine/state';
import type { Mode } from '../core/protocol';
import type { Carried } from './accounts';
import type { DrivenSession } from './conversation_view';

export interface Remembered {
  readonly mode: Mode;
  readonly keepSearching: boolean;
  /** By the browser's names for them, which are this page's alone. */
  readonly picked: PerDevice<string | null>;
  /** A soft sound when somebody is there or writes while the page is out of sight. */
  readonly sound: boolean;
}

const KEY = 'preferences';
const MODES: readonly Mode[] = ['video', 'audio', 'text'];

const FIRST: Remembered = {
  mode: FIRST_STATE.mode,
  keepSearching: FIRST_STATE.keepSearching,
  picked: FIRST_STATE.picked,
  sound: true,
};

const KINDS = ['microphone', 'camera'] as const;

/** Pure. What is not as it was written is passed over: somebody else may have written it, or an older page. */
export function parse(written: string | null): Remembered {
  let found: unknown;
  try {
    found = JSON.parse(written ?? '');
  } catch {
    return FIRST;
  }
  if (typeof found !== 'object' || found === null) return FIRST;
  const { mode, keepSearching, picked, sound } = found as Record<string, unknown>;
  const of = (typeof picked === 'object' ? picked : null) as Record<string, unknown> | null;
  const device = (kind: keyof typeof FIRST.picked) => {
    const id = of?.[kind];
    return typeof id === 'string' ? id : null;
  };
  return {
    mode: MODES.find((each) => each === mode) ?? FIRST.mode,
    keepSearching: typeof keepSearching === 'boolean' ? keepSearching : FIRST.keepSearching,
    picked: { microphone: device('microphone'), camera: device('camera') },
    sound: typeof sound === 'boolean' ? sound : FIRST.sound,
  };
}

/** What the page needs of them. */
export interface SoundSwitch {
  /** Whether the sound is wanted, for anyone who follows it. */
  readonly sound: () => boolean;
  readonly subscribe: (changed: () => void) => () => void;
  readonly choose: (sound: boolean) => void;
}

/** After which what was chosen is carried: nobody else waits for it. */
const CARRYING = 2_000;

export class Preferences implements SoundSwitch, Carried {
  readonly #subscribers = new Set<() => void>();
  #conversation: DrivenSession | null = null;
  #carry: (() => void) | null = null;
  #carrying: ReturnType<typeof setTimeout> | undefined;
  #so: Remembered = read();

  readonly sound = (): boolean => this.#so.sound;

  readonly subscribe = (changed: () => void): (() => void) => {
    this.#subscribers.add(changed);
    return () => this.#subscribers.delete(changed);
  };

  readonly choose = (sound: boolean): void => {
    this.#keep({ ...this.#so, sound });
    for (const changed of this.#subscribers) changed();
  };

  /** Without devices, which are this browser's alone. */
  readonly carried = () => {
    const { mode, keepSearching, sound } = this.#so;
    return { mode, keep_searching: keepSearching, sound };
  };

  readonly onCarried = (changed: () => void): void => {
    this.#carry = changed;
  };

  /** Brings everything to what an account carries. */
  readonly adopt = (carried: Readonly<Record<string, unknown>>): void => {
    const { keep_searching: keepSearching, mode, sound } = carried;
    const so = parse(JSON.stringify({ ...this.#so, mode, keepSearching, sound }));
    this.#so = { ...so, picked: this.#so.picked };
    this.#write();
    for (const changed of this.#subscribers) changed();
    if (this.#conversation !== null) this.#bring(this.#conversation);
  };

  /** Brings a conversation to what was chosen last time, and remembers what is chosen in it. */
  follow(conversation: DrivenSession): void {
    this.#conversation = conversation;
    this.#bring(conversation);
    conversation.subscribe(() => {
      const { mode, keepSearching, picked } = conversation.snapshot().session;
      const so = this.#so;
      if (mode === so.mode && keepSearching === so.keepSearching && samePicks(picked, so.picked))
        return;
      this.#keep({ ...so, mode, keepSearching, picked });
    });
  }

  #bring(conversation: DrivenSession): void {
    const { mode, keepSearching, picked } = this.#so;
    const { session } = conversation.snapshot();
    if (session.mode !== mode) conversation.act({ type: 'choose_mode', mode });
    if (session.keepSearching !== keepSearching) {
      conversation.act({ type: 'choose_keep_searching', on: keepSearching });
    }
    for (const kind of KINDS) {
      const id = picked[kind];
      if (id !== null) conversation.act({ type: 'choose_device', kind, id });
    }
  }

  #keep(so: Remembered): void {
    this.#so = so;
    this.#write();
    clearTimeout(this.#carrying);
    this.#carrying = setTimeout(() => this.#carry?.(), CARRYING);
  }

  #write(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify(this.#so));
    } catch {
      // A browser that keeps nothing: then it holds for this visit.
    }
  }
}

function samePicks(one: PerDevice<string | null>, other: PerDevice<string | null>): boolean {
  return KINDS.every((kind) => one[kind] === other[kind]);
}

function read(): Remembered {
  try {
    return parse(localStorage.getItem(KEY));
  } catch {
    return FIRST;
  }
}
