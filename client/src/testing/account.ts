// An account desk that does nothing, and notes what was asked of it.

import { vi } from 'vitest';
import type { AccountState, AccountView } from '../ui/accounts';

export function accountIn(state: AccountState): AccountView {
  return {
    state: () => state,
    subscribe: () => vi.fn(),
    show: vi.fn(),
    signIn: vi.fn(),
    makePasskey: vi.fn(),
    goToProvider: vi.fn(),
    rename: vi.fn(),
    signOut: vi.fn(),
    remove: vi.fn(),
  };
}
