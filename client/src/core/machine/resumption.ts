// Owns the transitions from a socket that opens to a session that goes on: the one that was lost with
// the last socket, or a new one.

import type { Connected, Resumed } from '../protocol';
import { openPeer } from './capture';
import { newestTheirs } from './chat_log';
import type { Step } from './effects';
import { reconnected } from './negotiation';
import { roomWith } from './others';
import { findPartner, resumed as resumedPairing } from './pairing';
import { cutOff } from './socket';
import { type OpenSocket, type Outage, type Session, TOLD_AT_FIRST } from './state';
import { deliverUnderway } from './writing';

export function connected(session: Session, data: Connected['data']): Step {
  const { socket } = session;
  const next: Session = {
    ...session,
    userId: data.user_id,
    limits: data.limits,
    keepsChats: data.keeps_chats,
  };
  const fresh: OpenSocket = {
    name: 'open',
    iceServers: data.ice_servers,
    token: data.session_token,
    resumeWindow: data.resume_window,
    draining: null,
    failures: socket.name === 'reconnecting' ? socket.failures + 1 : 0,
    asked: false,
  };
  if (socket.name !== 'reconnecting') return beginAnew(next, fresh, 'unreachable');
  const { outage, token } = socket;
  if (token === null) return beginAnew(next, fresh, outage);
  const lastMessage = newestTheirs(session.chat);
  return [
    { ...next, socket: { name: 'resuming', outage, token, fresh } },
    [{ type: 'send', message: { event: 'resume', data: { token, last_message: lastMessage } } }],
  ];
}

/** Media comes before chat: the partner may be looking at a picture that stands still. */
export function resumed(session: Session, data: Resumed['data']): Step {
  if (session.socket.name !== 'resuming') return [session, []];
  const { session_token: token, ice_servers: iceServers, room_id: roomId } = data;
  const socket = { ...session.socket.fresh, token, iceServers };
  const open: Session = { ...session, userId: data.user_id, socket };
  const room = roomId === null ? null : roomWith(roomId, data);
  const [paired, pairing] = resumedPairing(open, room, data.searching);
  const [next, media] = reconnected(paired);
  return [
    next,
    [{ type: 'renew_ice_servers', iceServers }, ...pairing, ...media, ...deliverUnderway(next)],
  ];
}

export function resumeFailed(session: Session): Step {
  const { socket } = session;
  return socket.name === 'resuming'
    ? beginAnew(session, socket.fresh, socket.outage)
    : [session, []];
}

/** Anyone who waits already, since the last socket was lost or since the page opened, goes into the queue. */
function beginAnew(session: Session, socket: OpenSocket, outage: Outage): Step {
  const [cut, closing] = cutOff(session, outage);
  const [next, opening] = openPeer({ ...cut, socket, told: TOLD_AT_FIRST });
  const searching = next.phase.name === 'waiting' ? [findPartner(next)] : [];
  return [next, [...closing, ...opening, ...searching]];
}
