// The page around a state that a test chose, and what the person did to it.

import { vi } from 'vitest';
import type { PersonEvent } from '../core/machine/events';
import { NOTHING_RECEIVED } from '../core/machine/lines';
import type { Session } from '../core/machine/state';
import { App } from '../ui/App';
import { NO_ACCOUNTS } from '../ui/accounts';
import { accountIn } from './account';
import { render, screen } from './page';

export interface View {
  /** What the person did, oldest first. */
  readonly did: PersonEvent[];
  /** Goes on to another state. */
  go(session: Session): void;
}

export function show(session: Session, ...streams: MediaStream[]): View {
  const did: PersonEvent[] = [];
  const painted = vi.fn();
  const received = streams.length > 0 ? new Map(streams.entries()) : NOTHING_RECEIVED;
  const page = (state: Session) => {
    const snapshot = { session: state, local: null, received };
    return (
      <App
        conversation={{
          snapshot: () => snapshot,
          subscribe: () => vi.fn(),
          act: (event) => void did.push(event),
          painted,
          loudness: () => 0,
          showIn: vi.fn(),
        }}
        account={accountIn(NO_ACCOUNTS)}
        preferences={{ sound: () => true, subscribe: () => vi.fn(), choose: vi.fn() }}
      />
    );
  };
  const { rerender } = render(page(session));
  return { did, go: (next) => rerender(page(next)) };
}

export function button(name: string): HTMLButtonElement {
  return screen.getByRole<HTMLButtonElement>('button', { name });
}

export function buttons(): (string | null)[] {
  return screen.getAllByRole('button').map((each) => each.textContent);
}

export function messageBox(): HTMLTextAreaElement {
  return screen.getByRole<HTMLTextAreaElement>('textbox', { name: 'Message' });
}
