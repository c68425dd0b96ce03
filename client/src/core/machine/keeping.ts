// Owns whether what is written in a conversation is kept: the relay keeps it once both want that. It ends with the
// conversation; what was kept by then stays at the relay.

import type { ChatKeeping } from '../protocol';
import type { Step } from './effects';
import type { Session } from './state';

/** The person wants the chat kept from now on, or no more. The relay's answer says what came of it. */
export function keep(session: Session, wanted: boolean): Step {
  const { phase, keepsChats, keeping } = session;
  if (phase.name !== 'talking' || keepsChats === 0 || wanted === keeping.own) return [session, []];
  const data = { room_id: phase.roomId, keep: wanted };
  return [session, [{ type: 'send', message: { event: 'keep_chat', data } }]];
}

export function stands(session: Session, data: ChatKeeping['data']): Step {
  if (session.phase.name !== 'talking' || data.room_id !== session.phase.roomId) {
    return [session, []];
  }
  const { own, partner, until = null, failed = false } = data;
  return [{ ...session, keeping: { own, partner, until, failed } }, []];
}
