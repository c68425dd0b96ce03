// Owns which of the two views is shown: the lock, or the console.

import { useCallback } from 'preact/hooks';
import { useFollowed } from '../ui/followed';
import { Board } from './Board';
import { Login } from './Login';
import type { Watch } from './watch';

export function Console({ watch }: { watch: Watch }) {
  const now = useCallback(() => watch.state, [watch]);
  const state = useFollowed(watch.subscribe, now, watch.state);
  if (state.view === 'locked') {
    return <Login busy={state.busy} refusal={state.refusal} open={(token) => watch.open(token)} />;
  }
  return <Board watch={watch} state={state} />;
}
