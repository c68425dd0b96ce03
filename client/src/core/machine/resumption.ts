// Owns the transitions from a link that opens to a session that goes on: the one that was lost with
// the last link, or a new one.

import type { Connected, Resumed } from '../protocol';
import { openPeer } from './capture';
import { newestTheirs } from './chat_log';
import type { Step } from './effects';
import { relinked } from './negotiation';
import { findPartner, resumed as resumedPairing } from './pairing';
import { cutOff } from './socket';
import { type OpenLink, type Outage, type Session, TOLD_AT_FIRST } from './state';
import { deliverUnderway } from './writing';

export function connected(session: Session, data: Connected['data']): Step {
  const { link } = session;
  const next: Session = { ...session, userId: data.user_id, limits: data.limits };
  const fresh: OpenLink = {
    name: 'open',
    iceServers: data.ice_servers,
    token: data.session_token,
    resumeWindow: data.resume_window,
    draining: null,
    failures: link.name === 'reconnecting' ? link.failures + 1 : 0,
    asked: false,
  };
  if (link.name !== 'reconnecting') return beginAnew(next, fresh, 'unreachable');
  const { outage, token } = link;
  if (token === null) return beginAnew(next, fresh, outage);
  const lastMessage = newestTheirs(session.chat);
  return [
    { ...next, link: { name: 'resuming', outage, token, fresh } },
    [{ type: 'send', message: { event: 'resume', data: { token, last_message: lastMessage } } }],
  ];
}

/** Media comes before chat: the partner may be looking at a picture that stands still. */
export function resumed(session: Session, data: Resumed['data']): Step {
  if (session.link.name !== 'resuming') return [session, []];
  const { session_token: token, ice_servers: iceServers } = data;
  const link = { ...session.link.fresh, token, iceServers };
  const open: Session = { ...session, userId: data.user_id, link };
  const [paired, pairing] = resumedPairing(open, data);
  const [next, media] = relinked(paired);
  return [
    next,
    [{ type: 'renew_ice_servers', iceServers }, ...pairing, ...media, ...deliverUnderway(next)],
  ];
}

export function resumeFailed(session: Session): Step {
  const { link } = session;
  return link.name === 'resuming' ? beginAnew(session, link.fresh, link.outage) : [session, []];
}

/** Whoever waits already, since the last link was lost or since the page opened, goes into the queue. */
function beginAnew(session: Session, link: OpenLink, outage: Outage): Step {
  const [cut, closing] = cutOff(session, outage);
  const [next, opening] = openPeer({ ...cut, link, told: TOLD_AT_FIRST });
  const searching = next.phase.name === 'waiting' ? [findPartner(next)] : [];
  return [next, [...closing, ...opening, ...searching]];
}
