// Owns which of the views is shown: the lock, somebody's first time, the console, or what was done.

import { useCallback } from 'preact/hooks';
import { useFollowed } from '../ui/followed';
import { Auditing } from './Auditing';
import { Board } from './Board';
import { Enrolling } from './Enrolling';
import { Login } from './Login';
import type { OperatorSession } from './session';

export function Console({ session }: { session: OperatorSession }) {
  const now = useCallback(() => session.state, [session]);
  const state = useFollowed(session.subscribe, now, session.state);
  switch (state.view) {
    case 'locked':
      return <Login session={session} state={state} />;
    case 'enrolling':
      return <Enrolling session={session} state={state} />;
    case 'auditing':
      return <Auditing session={session} state={state} />;
    case 'open':
      return <Board session={session} state={state} />;
  }
}
