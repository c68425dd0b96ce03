// Owns how a state and an event give the next state and what is to be done. It has no clock, no
// browser and no socket; conversation.ts does the doing. Each family of transitions has a file:
// socket.ts (the WebSocket), consent.ts (what comes before it), resumption.ts (what a new one means), capture.ts (devices), negotiation.ts
// (the media connection), pairing.ts (from one conversation to the next), others.ts (who is in it), writing.ts (chat) and
// breakage.ts (what the browser throws). What follows from the state alone, whatever the event, is in consequences.ts.
//
// The protocol tells of the others in a room as of one partner. It is here that what is said of the partner becomes what is
// known of who is in that seat.

import type { ErrorMessage, IceServer, ServerMessage } from '../protocol';
import { thrown } from './breakage';
import * as media from './capture';
import * as consent from './consent';
import { follow, isSayable } from './consequences';
import type { Effect, NamedTimer, Step, Timer } from './effects';
import type { Abilities, SessionEvent } from './events';
import { PARTNER } from './lines';
import * as negotiation from './negotiation';
import { obstacleOf } from './obstacle';
import { roomWith, updatePartner } from './others';
import * as pairing from './pairing';
import * as resumption from './resumption';
import * as socket from './socket';
import type { Session } from './state';
import * as writing from './writing';

/** One probe may fall into a moment in which the machine is busy. */
export const PROBE_AGAIN_SECONDS = 1.5;
/** A path that was narrow for a while may take more again. */
export const PROBE_LATER_SECONDS = 8;

const PROBE_LATER: Effect = {
  type: 'set_timer',
  timer: 'probe_later',
  seconds: PROBE_LATER_SECONDS,
};

export function reduce(session: Session, event: SessionEvent): Step {
  const [moved, effects] = transition(
    event.type === 'received' ? socket.received(session) : session,
    event,
  );
  const [next, consequences] = follow(session, moved);
  return [next, [...consequences, ...effects].filter((effect) => isSayable(next, effect))];
}

function transition(session: Session, event: SessionEvent): Step {
  switch (event.type) {
    case 'page_opened':
      return opened(session, event.able);
    case 'tabs_agreed':
      return [{ ...session, browser: event.browser }, []];
    case 'page_woke':
      return woke(session);
    case 'thrown':
      return thrown(session, event.by);
    case 'choose_mode':
      return media.chooseMode(session, event.mode);
    case 'choose_keep_searching':
      return [{ ...session, keepSearching: event.on }, []];
    case 'choose_device':
      return media.chooseDevice(session, event.kind, event.id);
    case 'toggle':
      return [{ ...session, on: { ...session.on, [event.kind]: !session.on[event.kind] } }, []];
    case 'agree':
      return consent.agree(session);
    case 'decline':
      return consent.decline(session);
    case 'start':
      return pairing.start(session);
    case 'next':
      return pairing.next(session);
    case 'back':
      return pairing.goBack(session);
    case 'escape':
      return pairing.hesitate(session);
    case 'play':
      return [session, [{ type: 'play_as_pressed' }]];
    case 'stop':
      return pairing.stop(session);
    case 'say':
      return writing.say(session, event.id, event.text);
    case 'say_again':
      return writing.sayAgain(session, event.id);
    case 'typed':
      return writing.typed(session, event.empty);
    case 'retry':
      return retry(session);
    case 'captured':
      return media.captured(session, event);
    case 'permission_changed':
      return media.permissionChanged(session, event.kind, event.permission);
    case 'devices_listed':
      return media.devicesListed(session, event.devices);
    case 'device_ended':
      return media.deviceEnded(session, event.kind);
    case 'device_muted':
      return media.deviceMuted(session, event.kind, event.muted);
    case 'socket_lost':
      return socket.lost(session, event.loss);
    case 'consent_asked':
      return consent.asked(session, event.question);
    case 'consent_sent':
      return consent.sent(session, event.outcome);
    case 'door_answered':
      return socket.answeredAtDoor(session, event.door);
    case 'network_changed':
      return socket.networkChanged(negotiation.networkChanged(session));
    case 'media_silent':
      return negotiation.silent(session);
    case 'offered':
      return negotiation.offered(session, event.sdp, event.sections);
    case 'gathered':
      return [
        session,
        [{ type: 'send', message: { event: 'webrtc_ice_candidate', data: event.candidate } }],
      ];
    case 'connection_changed':
      return negotiation.changed(session, event.connection);
    case 'path_found':
      return [session, [{ type: 'send', message: { event: 'media_path', data: event.path } }]];
    case 'playback_changed':
      return updatePartner(session, event.seat, { playback: event.playback });
    case 'seen_or_heard':
      return [session, [{ type: 'send', message: { event: 'first_frame', data: event.first } }]];
    case 'quality_measured':
      return [
        session,
        [{ type: 'send', message: { event: 'quality_report', data: event.report } }],
      ];
    case 'timer_ended':
      return timerEnded(session, event.timer);
    case 'received':
      return receive(session, event.message);
  }
}

function opened(session: Session, able: Abilities): Step {
  const [next, effects] = media.pageOpened({ ...session, calls: able.calls }, able.devices);
  const [asking, question] = consent.opened(next);
  return [asking, [...question, ...effects]];
}

function woke(session: Session): Step {
  const [next, effects] = socket.woke(session);
  return [next, [...effects, ...media.woke(session)]];
}

function receive(session: Session, message: ServerMessage): Step {
  switch (message.event) {
    case 'connected':
      return resumption.connected(session, message.data);
    case 'resumed':
      return resumption.resumed(session, message.data);
    case 'ice_servers':
      return renewed(session, message.data.ice_servers);
    case 'waiting_for_partner':
      return pairing.waiting(session, message.data);
    case 'partner_found':
      return pairing.found(session, roomWith(message.data.room_id, message.data));
    case 'back_asked':
      return pairing.backAsked(session, message.data.room_id);
    case 'partner_disconnected':
      return pairing.parted(session, message.data);
    case 'partner_reconnecting':
      return updatePartner(session, PARTNER, { away: true, typing: false });
    case 'partner_resumed':
      return updatePartner(session, PARTNER, { away: false });
    case 'ping':
      return [session, [{ type: 'send', message: { event: 'pong' } }]];
    case 'pong':
      // That it came is all it says.
      return [session, []];
    case 'server_draining':
      return drained(session, message.data.seconds);
    case 'media_state':
      return updatePartner(session, PARTNER, message.data);
    case 'typing':
      return writing.partnerTyping(session, PARTNER, message.data.active);
    case 'chat_message':
      return writing.read(session, PARTNER, message.data);
    case 'message_delivered':
      return writing.delivered(session, message.data.id);
    case 'webrtc_answer':
      return negotiation.answered(session, message.data.sdp);
    case 'error':
      return refused(session, message.data);
  }
}

function drained(session: Session, seconds: number): Step {
  if (session.socket.name !== 'open') return [session, []];
  return [{ ...session, socket: { ...session.socket, draining: seconds } }, []];
}

/** Credentials for TURN last some hours; a page may stay open for longer. */
function renewed(session: Session, iceServers: readonly IceServer[]): Step {
  if (session.socket.name !== 'open') return [session, []];
  return [
    { ...session, socket: { ...session.socket, iceServers } },
    [{ type: 'renew_ice_servers', iceServers }],
  ];
}

function timerEnded(session: Session, timer: Timer): Step {
  switch (timer) {
    case 'connecting':
      return socket.notAnswered(session);
    case 'reconnect':
      return socket.pauseEnded(session);
    case 'settling':
      return socket.settled(session);
    case 'silence':
      return socket.silent(session);
    case 'resume_window':
      return socket.windowEnded(session);
    case 'disconnected':
      return negotiation.stillDisconnected(session);
    case 'answer':
      return negotiation.notAnswered(session);
    case 'repair':
      return negotiation.repairEnded(session);
    case 'probe':
      return negotiation.probe(session, true, {
        type: 'set_timer',
        timer: 'probe_again',
        seconds: PROBE_AGAIN_SECONDS,
      });
    case 'probe_again':
      return negotiation.probe(session, true, PROBE_LATER);
    case 'probe_later':
      return negotiation.probe(session, false, PROBE_LATER);
    case 'reopen':
      return [session, media.reopen(session, ['microphone'])];
    case 'cooling':
      return pairing.cooled(session);
    case 'hush':
      return [{ ...session, hushed: false }, []];
    case 'back':
      return pairing.backEnded(session);
    case 'guard':
      return [{ ...session, guarded: false }, []];
    case 'doubt':
      return [{ ...session, unsure: false }, []];
    case 'typing_pause':
      return writing.typingPaused(session);
    case 'typing_repeat':
      return writing.typingStale(session);
    default:
      return namedTimerEnded(session, timer);
  }
}

/** Those of which there may be several. */
function namedTimerEnded(session: Session, timer: NamedTimer): Step {
  const [kind = '', name = ''] = timer.split(' ');
  return kind === 'message'
    ? writing.unconfirmed(session, name)
    : updatePartner(session, Number(name), { typing: false });
}

/** The way on from what stands in the way. */
function retry(session: Session): Step {
  const obstacle = obstacleOf(session);
  switch (obstacle?.name) {
    case 'socket_lost':
    case 'reconnecting':
      return socket.retry(session);
    case 'capture_failed':
      return media.openCaptureAgain(session);
    case 'connection_failed':
      return media.openPeer(media.withoutPeer(session));
    case 'device_lost':
    case 'device_muted':
      return media.openDevicesAgain(session, obstacle.kinds);
    case 'consent':
    case 'connecting':
    case 'asking':
    case 'no_calls':
    case undefined:
      return [session, []];
  }
}

function refused(session: Session, error: ErrorMessage['data']): Step {
  switch (error.code) {
    case 'connection_failed':
      return negotiation.failedAtServer(session);
    case 'invalid_offer':
      return negotiation.refused(session);
    case 'resume_failed':
      return resumption.resumeFailed(session);
    case 'no_common_codec':
      return updatePartner(session, PARTNER, { unseen: true });
    case 'server_full':
    case 'server_draining':
    case 'too_many_connections':
      return socket.turnedAway(session, error.code, error.retry_after ?? null);
    case 'account_needed':
      return pairing.stop({ ...session, accountAsked: session.accountAsked + 1 });
    case 'consent_needed':
      return consent.refused(session);
    // Crossed with what the server says next, unless it was a message.
    case 'out_of_turn':
    // A connection needs few of them.
    case 'too_many_candidates':
    // The socket is closed next, with a close code that says the same.
    case 'slow_reader':
    case 'rate_limited':
    case 'invalid_message':
    case 'message_too_large':
    case 'unknown_event':
    case 'reserved_event':
    case 'internal':
      return refusedRequest(session, error);
  }
}

/** What was refused matters more than why. */
function refusedRequest(session: Session, error: ErrorMessage['data']): Step {
  switch (error.refused) {
    case 'chat_message':
      return writing.refused(session, error);
    case 'find_partner':
    case 'next_partner':
      return error.code === 'out_of_turn' ? [session, []] : pairing.refused(session, error);
    case 'back':
      return pairing.backEnded(session);
    case 'webrtc_offer':
      return error.code === 'out_of_turn' ? [session, []] : negotiation.refused(session);
    default:
      return error.code === 'internal' ? writing.notice(session, error.message) : [session, []];
  }
}
