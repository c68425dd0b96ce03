// Owns what the page knows: the state, what can happen to it, and what it can ask to be done.
// Types and the first state only; session.ts alone makes one state out of another.

import type { ChatLog } from './chat_log';
import type { Device, DeviceFailure, DeviceKind, PerDevice, Wanted } from './devices';
import type { Connection } from './peer';
import type {
  ClientMessage,
  IceServer,
  Limits,
  MediaPath,
  Mode,
  PartingReason,
  ServerMessage,
  WebrtcIceCandidate,
  WebrtcOffer,
} from './protocol';
import type { LinkLoss } from './signalling';

/** The person's camera and microphone. */
export type Capture =
  /** In text mode nothing is asked for. */
  | { readonly name: 'off' }
  | { readonly name: 'asking' }
  | {
      readonly name: 'granted';
      readonly using: PerDevice<string | null>;
      /** Why a device that was granted is not there any more. */
      readonly lost: PerDevice<DeviceFailure | 'ended' | null>;
    }
  | { readonly name: 'failed'; readonly failure: DeviceFailure };

/** The WebSocket. It is open once the relay has said `connected`. */
export type Link =
  | { readonly name: 'connecting' }
  | { readonly name: 'open'; readonly iceServers: readonly IceServer[]; readonly limits: Limits }
  | {
      readonly name: 'lost';
      readonly loss: LinkLoss | 'unreachable' | 'too_many_connections';
      /** Seconds after which the relay suggests to try again. */
      readonly retryAfter: number | null;
    };

export interface Partner {
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly typing: boolean;
}

export type Phase =
  | { readonly name: 'idle' }
  /** `after`: how the last conversation ended, when the search went on by itself. */
  | { readonly name: 'waiting'; readonly after: PartingReason | null }
  | { readonly name: 'talking'; readonly roomId: string; readonly partner: Partner }
  | { readonly name: 'parted'; readonly reason: PartingReason | 'link_lost' }
  /** The relay asked for a pause; then the search goes on by itself. */
  | { readonly name: 'cooling'; readonly seconds: number };

/** What the partner was told of our typing: nothing, that we write, or that a while ago. */
export type Typing = 'quiet' | 'fresh' | 'stale';

export interface Session {
  readonly mode: Mode;
  /** Search on when a partner leaves. */
  readonly keepSearching: boolean;
  /** Which microphone and camera the person wants on. */
  readonly on: PerDevice<boolean>;
  /** The ones the person picked, for as long as the page lives. */
  readonly picked: PerDevice<string | null>;
  readonly devices: PerDevice<readonly Device[]>;
  readonly capture: Capture;
  readonly link: Link;
  readonly phase: Phase;
  /** The media connection. */
  readonly connection: Connection;
  /** The relay takes an offer: there was none on this link, or it said that the last one failed. */
  readonly mayOffer: boolean;
  /** A fresh media connection was tried since the last one that worked. */
  readonly retried: boolean;
  readonly chat: ChatLog;
  readonly typing: Typing;
}

export type PersonEvent =
  | { readonly type: 'choose_mode'; readonly mode: Mode }
  | { readonly type: 'choose_keep_searching'; readonly on: boolean }
  | { readonly type: 'choose_device'; readonly kind: DeviceKind; readonly id: string }
  | { readonly type: 'toggle'; readonly kind: DeviceKind }
  | { readonly type: 'start' }
  | { readonly type: 'next' }
  | { readonly type: 'stop' }
  | { readonly type: 'say'; readonly id: string; readonly text: string }
  | { readonly type: 'say_again'; readonly id: string }
  /** The message being written changed. */
  | { readonly type: 'typed'; readonly empty: boolean }
  /** Do away with what stands in the way (obstacle.ts). */
  | { readonly type: 'retry' };

export type BrowserEvent =
  | { readonly type: 'page_opened' }
  | { readonly type: 'captured'; readonly using: PerDevice<string | null> }
  | { readonly type: 'capture_failed'; readonly failure: DeviceFailure }
  | { readonly type: 'devices_listed'; readonly devices: PerDevice<readonly Device[]> }
  | {
      readonly type: 'device_lost';
      readonly kind: DeviceKind;
      readonly why: DeviceFailure | 'ended';
    }
  | { readonly type: 'link_lost'; readonly loss: LinkLoss }
  | { readonly type: 'offered'; readonly offer: WebrtcOffer['data'] }
  | { readonly type: 'gathered'; readonly candidate: WebrtcIceCandidate['data'] }
  | { readonly type: 'connection_changed'; readonly connection: Connection }
  /** The way that media takes, each time the connection is made. */
  | { readonly type: 'path_found'; readonly path: MediaPath['data'] }
  | { readonly type: 'timer_ended'; readonly timer: Timer };

export type SessionEvent =
  | PersonEvent
  | BrowserEvent
  | { readonly type: 'received'; readonly message: ServerMessage };

export type Timer =
  | 'dialling'
  | 'cooling'
  | 'typing_pause'
  | 'typing_repeat'
  | 'partner_typing'
  /** The confirmation of the message with this id. */
  | `message ${string}`;

export type Effect =
  | { readonly type: 'send'; readonly message: ClientMessage }
  /** Runs once, and anew if it is running. There is no stopping it: what is stale is passed over. */
  | { readonly type: 'set_timer'; readonly timer: Timer; readonly seconds: number }
  /** Opens a link, in the place of the one there is. */
  | { readonly type: 'dial' }
  /** Opens devices in the place of those that are open. */
  | { readonly type: 'open_capture'; readonly wanted: Wanted }
  | { readonly type: 'close_capture' }
  | { readonly type: 'switch_device'; readonly kind: DeviceKind; readonly id: string | null }
  | { readonly type: 'enable_devices'; readonly on: PerDevice<boolean> }
  /** Sends exactly these to the partner. */
  | { readonly type: 'send_media'; readonly sending: PerDevice<boolean> }
  /** Takes the place of an open one. */
  | { readonly type: 'open_peer'; readonly iceServers: readonly IceServer[] }
  /** For the next ICE restart of the open one. */
  | { readonly type: 'renew_ice_servers'; readonly iceServers: readonly IceServer[] }
  | { readonly type: 'accept_answer'; readonly sdp: string }
  | { readonly type: 'close_peer' };

export type Step = readonly [Session, readonly Effect[]];

export const FIRST_STATE: Session = {
  mode: 'video',
  keepSearching: true,
  on: { microphone: true, camera: true },
  picked: { microphone: null, camera: null },
  devices: { microphone: [], camera: [] },
  capture: { name: 'asking' },
  link: { name: 'connecting' },
  phase: { name: 'idle' },
  connection: 'none',
  mayOffer: false,
  retried: false,
  chat: [],
  typing: 'quiet',
};
