// Owns the transitions of the link to the relay. A lost link stays lost until somebody asks for
// another (`redial`): today that is the person.

import { failAll } from './chat_log';
import type { LinkLoss } from './signalling';
import type { Effect, Link, Phase, Session, Step } from './state';

/** A browser alone may try for minutes to reach a server that does not answer. */
export const DIALLING_SECONDS = 10;

/** A new link in the place of the one there is; the media connection belongs to it and goes too. */
export function redial(session: Session): [Session, Effect[]] {
  return [
    { ...cutOff(session), link: { name: 'connecting' } },
    [
      { type: 'close_peer' },
      { type: 'dial' },
      { type: 'set_timer', timer: 'dialling', seconds: DIALLING_SECONDS },
    ],
  ];
}

export function lost(session: Session, loss: LinkLoss): Step {
  // Said already, and better, by an error message.
  if (session.link.name === 'lost') return [session, []];
  const unreachable = loss === 'closed' && session.link.name === 'connecting';
  return close(session, {
    name: 'lost',
    loss: unreachable ? 'unreachable' : loss,
    retryAfter: null,
  });
}

export function notAnswered(session: Session): Step {
  if (session.link.name !== 'connecting') return [session, []];
  return close(session, { name: 'lost', loss: 'unreachable', retryAfter: null });
}

/** The relay has no room, and closes the link next. */
export function turnedAway(
  session: Session,
  loss: 'server_full' | 'too_many_connections',
  retryAfter: number | null,
): Step {
  return close(session, { name: 'lost', loss, retryAfter });
}

function close(session: Session, link: Link): Step {
  return [{ ...cutOff(session), link }, [{ type: 'close_peer' }]];
}

function cutOff(session: Session): Session {
  return {
    ...session,
    phase: withoutLink(session.phase),
    connection: 'none',
    mayOffer: false,
    retried: false,
    chat: failAll(session.chat),
    typing: 'quiet',
  };
}

function withoutLink(phase: Phase): Phase {
  switch (phase.name) {
    case 'idle':
    case 'parted':
      return phase;
    case 'waiting':
    case 'cooling':
      return { name: 'waiting', after: null };
    case 'talking':
      return { name: 'parted', reason: 'link_lost' };
  }
}
