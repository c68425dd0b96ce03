// Owns what can happen to a session: what the person does, what the browser tells, what the relay says. Types only.

import type {
  FirstFrame,
  MediaPath,
  Mode,
  QualityReport,
  ServerMessage,
  WebrtcIceCandidate,
} from '../protocol';
import type { Sent } from './consent';
import type { Captured, Device, DeviceKind, PerDevice, Permission } from './devices';
import type { Effect, Timer } from './effects';
import type { Seat, Sections } from './lines';
import type { Connection, Door, PlaybackState, Question, SocketLoss } from './state';

/** What this browser can do at all. */
export interface Abilities {
  /** It has WebRTC. Firefox may have it turned off, and some builds leave it out. */
  readonly calls: boolean;
  /** It offers cameras and microphones: over HTTPS and on localhost only (W3C Media Capture, section 9.1). */
  readonly devices: boolean;
}

export type PersonEvent =
  | { readonly type: 'choose_mode'; readonly mode: Mode }
  | { readonly type: 'choose_keep_searching'; readonly on: boolean }
  | { readonly type: 'choose_device'; readonly kind: DeviceKind; readonly id: string }
  | { readonly type: 'toggle'; readonly kind: DeviceKind }
  /** To the rules; and the person is of age. */
  | { readonly type: 'agree' }
  /** They are younger, or do not agree. */
  | { readonly type: 'decline' }
  | { readonly type: 'start' }
  | { readonly type: 'next' }
  /** To the last partner, or agree that they come back. */
  | { readonly type: 'back' }
  /** Escape: Next, once the person means it. */
  | { readonly type: 'escape' }
  | { readonly type: 'stop' }
  | { readonly type: 'say'; readonly id: string; readonly text: string }
  | { readonly type: 'say_again'; readonly id: string }
  /** Have the chat kept from now on, or no more. */
  | { readonly type: 'keep_chat'; readonly keep: boolean }
  /** The message being written changed. */
  | { readonly type: 'typed'; readonly empty: boolean }
  /** What the browser would not play unasked is to be played. */
  | { readonly type: 'play' }
  /** Do away with what stands in the way (obstacle.ts). */
  | { readonly type: 'retry' };

export type BrowserEvent =
  | { readonly type: 'page_opened'; readonly able: Abilities }
  | { readonly type: 'tabs_agreed'; readonly browser: string }
  /** The page is looked at again, or runs again after it stood still. */
  | { readonly type: 'page_woke' }
  /** The browser threw instead of doing this. */
  | { readonly type: 'thrown'; readonly by: Effect['type'] }
  /** Devices were opened, or one in the place of another, as far as that was possible. */
  | ({ readonly type: 'captured' } & Captured)
  | {
      readonly type: 'permission_changed';
      readonly kind: DeviceKind;
      readonly permission: Permission;
    }
  | { readonly type: 'devices_listed'; readonly devices: PerDevice<readonly Device[]> }
  | { readonly type: 'device_ended'; readonly kind: DeviceKind }
  | { readonly type: 'device_muted'; readonly kind: DeviceKind; readonly muted: boolean }
  | { readonly type: 'socket_lost'; readonly loss: SocketLoss }
  /** What the relay asks of the person first. Null: it said nothing. */
  | { readonly type: 'consent_asked'; readonly question: Question | null }
  | { readonly type: 'consent_sent'; readonly outcome: Sent }
  | { readonly type: 'door_answered'; readonly door: Door }
  /** The browser is on a network again, or on another one. */
  | { readonly type: 'network_changed' }
  /** What is sent is not acknowledged any more (media_silence.ts). */
  | { readonly type: 'media_silent' }
  | { readonly type: 'offered'; readonly sdp: string; readonly sections: Sections }
  | { readonly type: 'gathered'; readonly candidate: WebrtcIceCandidate['data'] }
  | { readonly type: 'connection_changed'; readonly connection: Connection }
  /** The path that media takes, each time the connection is made. */
  | { readonly type: 'path_found'; readonly path: MediaPath['data'] }
  | {
      readonly type: 'playback_changed';
      readonly seat: Seat;
      readonly playback: PlaybackState;
    }
  | { readonly type: 'seen_or_heard'; readonly first: FirstFrame['data'] }
  | { readonly type: 'quality_measured'; readonly report: QualityReport['data'] }
  | { readonly type: 'timer_ended'; readonly timer: Timer };

export type SessionEvent =
  | PersonEvent
  | BrowserEvent
  | { readonly type: 'received'; readonly message: ServerMessage };
