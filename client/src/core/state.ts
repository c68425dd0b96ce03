// Owns what the page knows: the state, what can happen to it, and what it can ask to be done.
// Types and the first state only; session.ts alone makes one state out of another.

import type { CameraFailure } from './camera';
import type { ChatLog } from './chat_log';
import type { Connection } from './peer';
import type {
  ClientMessage,
  IceServer,
  Limits,
  PartingReason,
  ServerMessage,
  WebrtcIceCandidate,
  WebrtcOffer,
} from './protocol';
import type { LinkLoss } from './signalling';

export type Camera =
  | { readonly name: 'asking' }
  | { readonly name: 'granted' }
  | { readonly name: 'failed'; readonly failure: CameraFailure };

/** The WebSocket. It is open once the relay has said `connected`. */
export type Link =
  | { readonly name: 'connecting' }
  | { readonly name: 'open'; readonly iceServers: readonly IceServer[]; readonly limits: Limits }
  | { readonly name: 'lost'; readonly loss: LinkLoss };

export type Phase =
  | { readonly name: 'idle' }
  | { readonly name: 'waiting' }
  | { readonly name: 'talking'; readonly roomId: string }
  | { readonly name: 'partner_left'; readonly reason: PartingReason };

export interface Session {
  readonly camera: Camera;
  readonly link: Link;
  readonly phase: Phase;
  /** The media connection. */
  readonly connection: Connection;
  /** A fresh media connection was tried since the last one that worked. */
  readonly retried: boolean;
  readonly chat: ChatLog;
}

export type SessionEvent =
  // What the person does
  | { readonly type: 'start' }
  | { readonly type: 'next' }
  | { readonly type: 'stop' }
  | { readonly type: 'say'; readonly id: string; readonly text: string }
  // What the browser says
  | { readonly type: 'camera_granted' }
  | { readonly type: 'camera_failed'; readonly failure: CameraFailure }
  | { readonly type: 'link_lost'; readonly loss: LinkLoss }
  | { readonly type: 'offered'; readonly offer: WebrtcOffer['data'] }
  | { readonly type: 'gathered'; readonly candidate: WebrtcIceCandidate['data'] }
  | { readonly type: 'connection_changed'; readonly connection: Connection }
  // What the server says
  | { readonly type: 'received'; readonly message: ServerMessage };

export type Effect =
  | { readonly type: 'send'; readonly message: ClientMessage }
  | { readonly type: 'start_media' }
  | { readonly type: 'stop_media' }
  /** Takes the place of an open one. */
  | { readonly type: 'open_peer'; readonly iceServers: readonly IceServer[] }
  | { readonly type: 'accept_answer'; readonly sdp: string }
  | { readonly type: 'close_peer' };

export const FIRST_STATE: Session = {
  camera: { name: 'asking' },
  link: { name: 'connecting' },
  phase: { name: 'idle' },
  connection: 'new',
  retried: false,
  chat: [],
};

/** May the search for a partner begin? The media connection may still be on its way. */
export function isReady(session: Session): boolean {
  return (
    session.camera.name === 'granted' &&
    session.link.name === 'open' &&
    session.connection !== 'failed'
  );
}
