// Owns what the session can ask to be done, and the names of its timers. Types only: conversation.ts does the doing.

import type { ClientMessage, IceServer } from '../protocol';
import type { DeviceKind, PerDevice, Wanted } from './devices';
import type { Seat } from './lines';
import type { Session } from './state';

export type Timer =
  | 'connecting'
  /** Until the next try to reach the relay. */
  | 'reconnect'
  /** For how long a socket has to hold. */
  | 'settling'
  /** For the relay to say something; set by each thing that it says. */
  | 'silence'
  /** For as long as the relay keeps the session of a lost socket. */
  | 'resume_window'
  /** For how long a connection is `disconnected` before that is taken seriously. */
  | 'disconnected'
  /** The answer to an ICE restart. */
  | 'answer'
  /** For a restart or a replacement to lead to a connection. */
  | 'repair'
  /** For media to flow in a new conversation, and for what came of a probe. */
  | 'probe'
  | 'probe_again'
  | 'probe_later'
  /** Before a microphone that went is opened again: the system may be changing to another. */
  | 'reopen'
  | 'cooling'
  /** For the last conversation's sound to be over. */
  | 'hush'
  /** For which Next means nothing after a pairing or a press. */
  | 'guard'
  /** For which one may go back to the last partner, or let them come. */
  | 'back'
  /** For which the question whether Escape was meant stands. */
  | 'doubt'
  | 'typing_pause'
  | 'typing_repeat'
  | NamedTimer;

/** Those of which there may be several at a time. */
export type NamedTimer =
  /** The confirmation of the message with this id. */
  | `message ${string}`
  /** For the one in this seat to go on typing. */
  | `partner_typing ${Seat}`;

export type Effect =
  | { readonly type: 'send'; readonly message: ClientMessage }
  /** Runs once, and anew if it is running. There is no stopping it: what is stale is passed over. */
  | { readonly type: 'set_timer'; readonly timer: Timer; readonly seconds: number }
  /** The same, after a time that is drawn evenly from zero to so many seconds. */
  | { readonly type: 'set_random_timer'; readonly timer: Timer; readonly atMost: number }
  /** Opens a socket. What comes over the one there is, if any, is passed over. */
  | { readonly type: 'connect' }
  /** Closes the socket there is, and the session with it. */
  | { readonly type: 'disconnect' }
  /** Asks over HTTP what the person has to agree to. */
  | { readonly type: 'ask_consent' }
  | { readonly type: 'give_consent'; readonly rules: string }
  /** Has the browser forget that the person agreed. */
  | { readonly type: 'withdraw_consent' }
  /** Asks over HTTP why no socket opens. */
  | { readonly type: 'knock' }
  /** Opens devices in the place of those that are open. */
  | { readonly type: 'open_capture'; readonly wanted: Wanted }
  | { readonly type: 'close_capture' }
  | { readonly type: 'switch_device'; readonly kind: DeviceKind; readonly id: string | null }
  | { readonly type: 'enable_devices'; readonly on: PerDevice<boolean> }
  /** Sends exactly these to the others. */
  | { readonly type: 'send_media'; readonly sending: PerDevice<boolean> }
  /** Lets the others be heard, or nobody, at once. */
  | { readonly type: 'hear'; readonly on: boolean }
  /** Plays what comes from the others, from anew; or nothing has to play. */
  | { readonly type: 'play'; readonly on: boolean }
  /** Plays what the browser would not play unasked: the person pressed. */
  | { readonly type: 'play_as_pressed' }
  /** Takes the place of an open one. */
  | { readonly type: 'open_peer'; readonly iceServers: readonly IceServer[] }
  /** For the next ICE restart of the open one. */
  | { readonly type: 'renew_ice_servers'; readonly iceServers: readonly IceServer[] }
  /** Makes another offer, with new ICE credentials. */
  | { readonly type: 'restart_ice' }
  | { readonly type: 'accept_answer'; readonly sdp: string }
  /**
   * Finds out how much the path to the relay takes, where the browser believes that it takes little; and where it takes
   * enough, has a `whole` picture shown, if that is wanted.
   */
  | { readonly type: 'probe'; readonly whole: boolean }
  | { readonly type: 'close_peer' };

export type Step = readonly [Session, readonly Effect[]];
