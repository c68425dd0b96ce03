// Owns every transition: a state and an event give the next state and what is to be done. It has no
// clock, no browser and no socket; conversation.ts does the doing.
//
//   phase          start     next      stop   partner_found   waiting_…   partner_disconnected
//   idle           waiting   -         -      -               -           -
//   waiting        -         waiting   idle   talking         waiting     -
//   talking        -         waiting   idle   talking         waiting     partner_left
//   partner_left   -         waiting   idle   talking         waiting     -
//
// The phase moves when the person asks, and what the server then says wins. Two cells need a word:
// - `leave_room` has no reply, so whatever arrives while idle was sent before the server read it.
//   Following it would show a partner whom the server has already taken away.
// - A parting that arrives while waiting crossed with `next_partner`, which the server answers yet.

import { append } from './chat_log';
import type { ErrorMessage, ServerMessage } from './protocol';
import { type Effect, isReady, type Phase, type Session, type SessionEvent } from './state';

export type Step = readonly [Session, readonly Effect[]];

export function reduce(session: Session, event: SessionEvent): Step {
  switch (event.type) {
    case 'start':
      if (session.phase.name !== 'idle' || !isReady(session)) return [session, []];
      return search(session, { type: 'send', message: { event: 'find_partner', data: {} } });
    case 'next':
      if (session.phase.name === 'idle') return [session, []];
      return search(session, { type: 'send', message: { event: 'next_partner' } });
    case 'stop':
      return stop(session);
    case 'say':
      return say(session, event.id, event.text.trim());
    case 'camera_granted':
      return openPeer({ ...session, camera: { name: 'granted' } });
    case 'camera_failed':
      return [{ ...session, camera: { name: 'failed', failure: event.failure } }, []];
    case 'link_lost':
      return [
        {
          ...session,
          link: { name: 'lost', loss: event.loss },
          phase: { name: 'idle' },
          connection: 'new',
          retried: false,
        },
        [{ type: 'close_peer' }],
      ];
    case 'offered':
      return [session, [{ type: 'send', message: { event: 'webrtc_offer', data: event.offer } }]];
    case 'gathered':
      return [
        session,
        [{ type: 'send', message: { event: 'webrtc_ice_candidate', data: event.candidate } }],
      ];
    case 'connection_changed':
      return [
        {
          ...session,
          connection: event.connection,
          retried: session.retried && event.connection !== 'connected',
        },
        [],
      ];
    case 'received':
      return receive(session, event.message);
  }
}

function receive(session: Session, message: ServerMessage): Step {
  switch (message.event) {
    case 'connected': {
      const { ice_servers: iceServers, limits } = message.data;
      return openPeer({ ...session, link: { name: 'open', iceServers, limits } });
    }
    case 'waiting_for_partner':
      if (session.phase.name === 'idle') return [session, []];
      return [{ ...session, phase: { name: 'waiting' } }, silence(session.phase)];
    case 'partner_found':
      if (session.phase.name === 'idle') return [session, []];
      return [
        { ...session, phase: { name: 'talking', roomId: message.data.room_id }, chat: [] },
        [{ type: 'start_media' }],
      ];
    case 'partner_disconnected':
      if (session.phase.name !== 'talking') return [session, []];
      return [
        { ...session, phase: { name: 'partner_left', reason: message.data.reason } },
        silence(session.phase),
      ];
    case 'chat_message':
      // Outside a conversation it is a former partner's, overtaken by our own next or stop.
      if (session.phase.name !== 'talking') return [session, []];
      return [{ ...session, chat: append(session.chat, 'partner', message.data.text) }, []];
    case 'message_delivered':
    case 'typing':
    case 'media_state':
      return [session, []];
    case 'webrtc_answer':
      return [session, [{ type: 'accept_answer', sdp: message.data.sdp }]];
    case 'error':
      return refused(session, message.data);
  }
}

function search(session: Session, ask: Effect): Step {
  return [{ ...session, phase: { name: 'waiting' } }, [...silence(session.phase), ask]];
}

function stop(session: Session): Step {
  const effects = silence(session.phase);
  // Whose partner has left is idle on the server already.
  if (session.phase.name === 'waiting' || session.phase.name === 'talking') {
    effects.push({ type: 'send', message: { event: 'leave_room' } });
  }
  return [{ ...session, phase: { name: 'idle' } }, effects];
}

function say(session: Session, id: string, text: string): Step {
  if (session.phase.name !== 'talking' || text === '') return [session, []];
  return [
    { ...session, chat: append(session.chat, 'me', text) },
    [{ type: 'send', message: { event: 'chat_message', data: { id, text } } }],
  ];
}

/** Media stops before anything else is said. */
function silence(phase: Phase): Effect[] {
  return phase.name === 'talking' ? [{ type: 'stop_media' }] : [];
}

/** The media connection is made while the person still waits, as soon as both halves are there. */
function openPeer(session: Session): Step {
  if (session.camera.name !== 'granted' || session.link.name !== 'open') return [session, []];
  const effects: Effect[] = [{ type: 'open_peer', iceServers: session.link.iceServers }];
  if (session.phase.name === 'talking') effects.push({ type: 'start_media' });
  return [{ ...session, connection: 'new' }, effects];
}

function refused(session: Session, error: ErrorMessage['data']): Step {
  switch (error.code) {
    case 'connection_failed':
      // Only the server's word allows another offer; the browser's own `failed` does not.
      if (!session.retried) return openPeer({ ...session, retried: true });
      return [{ ...session, connection: 'failed' }, [{ type: 'close_peer' }]];
    case 'invalid_offer':
      return [{ ...session, connection: 'failed' }, [{ type: 'close_peer' }]];
    // Crossed with what the server says next.
    case 'out_of_turn':
    // A connection needs few of them.
    case 'too_many_candidates':
    // The link is closed next, with a close code that says the same.
    case 'server_full':
    case 'too_many_connections':
    case 'slow_reader':
      return [session, []];
    case 'invalid_message':
    case 'message_too_large':
    case 'unknown_event':
    case 'reserved_event':
    case 'rate_limited':
    case 'internal':
      return [{ ...session, chat: append(session.chat, 'notice', error.message) }, []];
  }
}
