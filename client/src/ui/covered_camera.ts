// Owns that nobody is seen by a stranger of whom they do not know: who is paired while they look elsewhere has their camera
// off until they look at the page. Whom they have looked at, goes on seeing them.

import type { DrivenSession } from './conversation_view';

/** Covers from now on, by the switch that the person has. Returns what ends it. */
export function coverUnlessLookedAt(conversation: DrivenSession): () => void {
  let covered = false;
  /** The conversation that was looked at last. */
  let known: string | null = null;

  function look() {
    const { on, mode, phase } = conversation.snapshot().session;
    const roomId = phase.name === 'talking' ? phase.roomId : null;
    if (document.visibilityState === 'visible') {
      known = roomId;
      if (covered) turn(false, !on.camera);
    } else if (!covered && on.camera && mode === 'video' && phase.name !== 'idle') {
      // Also while waiting, so that the next partner is told so from the beginning.
      if (roomId === null || roomId !== known) turn(true, true);
    }
  }

  function turn(cover: boolean, changes: boolean) {
    covered = cover;
    if (changes) conversation.act({ type: 'toggle', kind: 'camera' });
  }

  look();
  const leave = conversation.subscribe(look);
  document.addEventListener('visibilitychange', look);
  return () => {
    leave();
    document.removeEventListener('visibilitychange', look);
  };
}
