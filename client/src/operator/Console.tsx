// Owns which of the two views is shown: the lock, or the console.

import { useCallback } from 'preact/hooks';
import { useFollowed } from '../ui/followed';
import { Board } from './Board';
import { Login } from './Login';
import type { OperatorSession } from './session';

export function Console({ session }: { session: OperatorSession }) {
  const now = useCallback(() => session.state, [session]);
  const state = useFollowed(session.subscribe, now, session.state);
  if (state.view === 'locked') {
    return (
      <Login busy={state.busy} refusal={state.refusal} open={(token) => session.open(token)} />
    );
  }
  return <Board session={session} state={state} />;
}
