// Owns the transitions of offers and answers, and of bringing a media connection back that broke:
// first by ICE restarts, which keep keys and routes, then by one replacement, then by saying so.
//
// A restart is due when the browser reports the connection as `disconnected` for a while or as
// `failed`, when the network changed, and when what is sent is not acknowledged any more. It is made as soon as the socket
// is open and no other offer is unanswered.

import { openPeer, withoutPeer } from './capture';
import type { Effect, Step } from './effects';
import { rolesOf, type Sections } from './lines';
import { suspect } from './socket';
import type { Connection, Negotiation, Session } from './state';

/** ICE often finds back by itself within it. */
export const DISCONNECTED_SECONDS = 1;
/** An ICE restart is answered at once. Without an answer the socket is dead, and does not know it yet. */
export const ANSWER_SECONDS = 1;
/** How long each restart may take; after their sum of 10 s the connection is beyond saving. */
export const RESTART_SECONDS: readonly number[] = [2, 3, 5];
export const REPLACEMENT_SECONDS = 10;

export function offered(session: Session, sdp: string, sections: Sections): Step {
  if (session.socket.name !== 'open') return [negotiate(session, { offer: 'none', due: true }), []];
  return [
    negotiate(session, { offer: 'sent' }),
    [
      {
        type: 'send',
        message: { event: 'webrtc_offer', data: { sdp, lines: rolesOf(sections) } },
      },
      { type: 'set_timer', timer: 'answer', seconds: ANSWER_SECONDS },
    ],
  ];
}

/** Answers come in the order of their offers. */
export function answered(session: Session, sdp: string): Step {
  const { offer, stale, due } = session.negotiation;
  if (stale > 0) return [negotiate(session, { stale: stale - 1 }), []];
  if (offer !== 'sent') return [session, []];
  const settled = negotiate(session, { offer: 'none' });
  const [next, effects] = due ? restart(settled) : [settled, []];
  return [next, [{ type: 'accept_answer', sdp }, ...effects]];
}

/** A first offer may wait for a busy server. */
export function notAnswered(session: Session): Step {
  const { negotiation, connection } = session;
  return negotiation.offer === 'sent' && connection !== 'new' ? suspect(session) : [session, []];
}

/** An offer is refused in the place of an answer. What cannot be restarted may still be replaced. */
export function refused(session: Session): Step {
  const { stale } = session.negotiation;
  if (stale > 0) return [negotiate(session, { stale: stale - 1 }), []];
  if (session.connection === 'new') return giveUp(session);
  return [negotiate(session, { offer: 'none', restarts: RESTART_SECONDS.length }), []];
}

export function changed(session: Session, connection: Connection): Step {
  const next: Session = { ...session, connection };
  switch (connection) {
    case 'connected':
      // Who was paired before has been looking at nothing so far: their first probe is due now.
      return [
        negotiate(next, { restarts: 0, replacement: false }),
        next.phase.name === 'talking' ? [{ type: 'probe', whole: true }] : [],
      ];
    case 'disconnected':
      return [next, [{ type: 'set_timer', timer: 'disconnected', seconds: DISCONNECTED_SECONDS }]];
    case 'failed':
      // Also when making the offer failed, and then none is coming.
      return repair(
        session.negotiation.offer === 'making' ? negotiate(next, { offer: 'none' }) : next,
      );
    case 'none':
    case 'new':
    case 'connecting':
      return [next, []];
  }
}

export function stillDisconnected(session: Session): Step {
  return session.connection === 'disconnected' ? repair(session) : [session, []];
}

/** Nothing comes from the relay, and the browser has not noticed yet: it may have got another address. */
export function silent(session: Session): Step {
  const { connection, negotiation } = session;
  if (connection !== 'connected' || negotiation.offer !== 'none') return [session, []];
  return restart(negotiate(session, { restarts: 0 }));
}

/**
 * As long as a conversation lasts; its first ones are for a partner whom nothing was sent to before, and who is to have the
 * `whole` picture. A connection that is being repaired is left alone.
 */
export function probe(session: Session, whole: boolean, next: Effect): Step {
  const { phase, connection, negotiation } = session;
  if (phase.name !== 'talking') return [session, []];
  const due = connection === 'connected' && negotiation.offer === 'none';
  return [session, due ? [{ type: 'probe', whole }, next] : [next]];
}

/** A restart or a replacement had its time. */
export function repairEnded(session: Session): Step {
  const { connection } = session;
  const settled = connection === 'none' || connection === 'connected' || connection === 'given_up';
  return settled || session.socket.name !== 'open' ? [session, []] : repair(session);
}

/** The socket is open again, with the same session. */
export function reconnected(session: Session): Step {
  const { connection, negotiation } = session;
  const fresh = negotiate(session, { restarts: 0, replacement: false });
  if (connection === 'none' || connection === 'given_up') return openPeer(withoutPeer(fresh));
  const well = connection === 'connected' && !negotiation.due;
  return well || negotiation.offer === 'making' ? [session, []] : restart(fresh);
}

/** The path that media took is probably gone. The restart comes with the next socket (socket.ts). */
export function networkChanged(session: Session): Session {
  return session.connection === 'none' ? session : negotiate(session, { due: true });
}

/** In the server's view. One restart later it would still be so: another connection is needed. */
export function failedAtServer(session: Session): Step {
  const { connection, negotiation } = session;
  if (connection === 'none' || connection === 'given_up') return [session, []];
  // Said before the server read this connection's offer, so it is about the one before it.
  if (connection === 'new' && negotiation.offer !== 'none') return [session, []];
  return negotiation.replacement ? giveUp(session) : replace(session);
}

/** Picture and sound were there, and are being brought back. */
export function isRepairing({ connection, negotiation }: Session): boolean {
  if (connection === 'none' || connection === 'connected' || connection === 'given_up')
    return false;
  return negotiation.restarts > 0 || negotiation.replacement;
}

function giveUp(session: Session): Step {
  return [{ ...withoutPeer(session), connection: 'given_up' }, [{ type: 'close_peer' }]];
}

function repair(session: Session): Step {
  const { restarts, replacement } = session.negotiation;
  if (replacement) return giveUp(session);
  return restarts < RESTART_SECONDS.length ? restart(session) : replace(session);
}

function restart(session: Session): Step {
  const { offer, restarts } = session.negotiation;
  if (session.socket.name !== 'open' || offer !== 'none') {
    return [negotiate(session, { due: true }), []];
  }
  const seconds = RESTART_SECONDS[restarts] ?? REPLACEMENT_SECONDS;
  return [
    negotiate(session, { offer: 'making', due: false, restarts: restarts + 1 }),
    [{ type: 'restart_ice' }, { type: 'set_timer', timer: 'repair', seconds }],
  ];
}

/** Another connection has another certificate, by which the server tells it from a restart. */
function replace(session: Session): Step {
  if (session.socket.name !== 'open') return [negotiate(session, { due: true }), []];
  const [next, effects] = openPeer(withoutPeer(session));
  return [
    negotiate(next, { replacement: true }),
    [
      { type: 'close_peer' },
      ...effects,
      { type: 'set_timer', timer: 'repair', seconds: REPLACEMENT_SECONDS },
    ],
  ];
}

function negotiate(session: Session, changes: Partial<Negotiation>): Session {
  return { ...session, negotiation: { ...session.negotiation, ...changes } };
}
