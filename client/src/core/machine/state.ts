// Owns what the page knows: the state of its session. It has no functions: session.ts alone makes one state out of
// another. What can happen to it is in events.ts, what it can ask to be done in effects.ts.

import type { IceServer, Limits, Mode, PartingReason } from '../protocol';
import type { ChatLog } from './chat_log';
import type { Device, DeviceFailure, PerDevice, Permission } from './devices';
import type { Seat } from './lines';

/** The person's camera and microphone (media.ts has the table). */
export type Capture =
  /** In text mode, and in a browser that can hold no calls, nothing is asked for. */
  | { readonly name: 'off' }
  /** Not asked for yet: the person is to press Start first, unless they allowed it before. */
  | { readonly name: 'closed' }
  /** `before`: what was not there the last time, and why. */
  | { readonly name: 'asking'; readonly before?: OpenCapture['absent'] }
  | OpenCapture;

/** What there is of them: one, both, or neither. */
export interface OpenCapture {
  readonly name: 'open';
  readonly using: PerDevice<string | null>;
  /** Why one was not there when they were opened. The person goes on without it. */
  readonly absent: PerDevice<DeviceFailure | null>;
  /** Why one that was there, or was chosen, is not there any more. */
  readonly lost: PerDevice<DeviceFailure | 'ended' | null>;
  /** The last try to open one that is not there failed as the one before it did. */
  readonly still: PerDevice<boolean>;
  /** The person has asked for another try, which is not answered yet. */
  readonly retried?: true;
  /** The system keeps it silent or dark: a phone call, a switch on the headset or beside the camera. */
  readonly muted: PerDevice<boolean>;
}

/** A socket over which the relay has said `connected`, and what it said with it. */
export interface OpenSocket {
  readonly name: 'open';
  readonly iceServers: readonly IceServer[];
  /** What another socket shows to go on with this session. */
  readonly token: string;
  /** Seconds for which the relay keeps the session of a lost socket. */
  readonly resumeWindow: number;
  /** Seconds that the relay leaves to conversations before it ends, once it has said so. */
  readonly draining: number | null;
  /** Tries since a socket last held for a while: one that opens and breaks at once is no success. */
  readonly failures: number;
  /** The relay was asked whether it is there, and has said nothing since. */
  readonly asked: boolean;
}

/** What a socket that opens may be told in the place of `connected`, before the relay closes it. */
export const REFUSALS = ['server_full', 'server_draining', 'too_many_connections'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** A socket that was ended on purpose: the same page connecting again would meet with the same. */
export type Ending =
  | Refusal
  | 'ended'
  | 'flooded'
  | 'too_slow'
  | 'superseded'
  /** The browser would not open one: it has no WebSockets, or a policy or an extension forbids it. */
  | 'barred';

/** Why the socket is gone, as the close code tells (relay/protocol/README.md, close codes). */
export type SocketLoss = Ending | 'closed' | 'server_stopping';

/** What answers at the relay's door, over HTTP, where no socket opens. */
export type Door =
  /** Nothing: the network, or the server is gone altogether. */
  | 'silent'
  /** Something that is not the relay, such as a proxy before it. */
  | 'not_there'
  /** The relay would open the socket, so something between keeps it from being opened. */
  | 'no_websocket'
  | 'origin_refused'
  | 'host_refused'
  | 'rate_limited';

/** Why there is no socket although there may be one again: what the person is told of it. */
export type Outage = 'closed' | 'server_stopping' | 'unreachable';

/** What the relay asks of a person before they meet somebody. */
export interface Question {
  readonly isNeeded: boolean;
  /** They agreed before, to other rules or at another age. */
  readonly hasAgreed: boolean;
  /** The version of the rules. */
  readonly rules: string;
  readonly html: string;
  /** Years; 0: nobody is asked for their age. */
  readonly minimumAge: number;
  /** Where it says who runs this place. */
  readonly imprint: string | null;
}

/** How far it has got (consent.ts has the table). */
export type Consent =
  /** The relay is asked. `refused`: it would not search for a partner. */
  | { readonly name: 'unknown'; readonly refused: boolean }
  | {
      readonly name: 'asked';
      readonly question: Question;
      readonly changed: boolean;
      /** The answer was not sent; or it was, and the browser has not kept it. */
      readonly trouble: 'unsent' | 'forgotten' | null;
    }
  | { readonly name: 'answering'; readonly question: Question; readonly changed: boolean }
  | { readonly name: 'declined'; readonly minimumAge: number };

/** The WebSocket to the relay (socket.ts has the table of its transitions). */
export type Socket =
  /** Not opened before the person has agreed. */
  | { readonly name: 'held'; readonly consent: Consent }
  | { readonly name: 'connecting' }
  | OpenSocket
  | {
      readonly name: 'reconnecting';
      readonly outage: Outage;
      /** What the relay says over HTTP, where no socket ever opened. Null until it was asked. */
      readonly door: Door | null;
      /** Tries that came to nothing. */
      readonly failures: number;
      /** Between two tries. */
      readonly pausing: boolean;
      /** Null once there is nothing to go on with. */
      readonly token: string | null;
    }
  | {
      readonly name: 'resuming';
      readonly outage: Outage;
      readonly token: string;
      /** What this socket is if the session cannot be gone on with. */
      readonly fresh: OpenSocket;
    }
  | {
      readonly name: 'lost';
      readonly loss: Ending;
      /** Seconds after which the relay suggests to try again. */
      readonly retryAfter: number | null;
    };

/** One of the others in the room. */
export interface Partner {
  /** Where they are shown for as long as they are there. */
  readonly seat: Seat;
  readonly microphone: boolean;
  readonly camera: boolean;
  readonly typing: boolean;
  /** Their connection was lost, and they may be back. */
  readonly away: boolean;
  readonly playback: PlaybackState;
  /** This browser cannot show their picture, and the relay has no room to convert it. */
  readonly unseen?: true;
}

/** Who talks with the person, and where. */
export interface Room {
  readonly roomId: string;
  /** Each in a seat of their own. */
  readonly others: readonly Partner[];
}

/** How a conversation ended. The relay tells all but the last two. */
export type Parting = PartingReason | 'socket_lost' | 'while_away';

/** `none`: there is none. The rest is what the browser says of the one there is. */
export type Connection = 'none' | 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed';

/** The media connection: as the browser sees it, or `given_up` until somebody asks for another. */
export type MediaConnection = Connection | 'given_up';

/** Offers and answers, and how often the connection was brought back (negotiation.ts). */
export interface Negotiation {
  /** The one offer there may be at a time: an answer does not say which one it answers. */
  readonly offer: 'none' | 'making' | 'sent';
  /** Answers that are still to come to offers of connections which are closed. */
  readonly stale: number;
  /** ICE is to be restarted as soon as that is possible. */
  readonly due: boolean;
  /** ICE restarts since the connection last worked. */
  readonly restarts: number;
  /** The connection took the place of one that was beyond saving, and has not worked yet. */
  readonly replacement: boolean;
}

/** The way back to the last partner, for a few seconds after a Next. */
export interface WayBack {
  readonly roomId: string;
  /** `open`: one may go back oneself. `asked`: the other one is to agree. `wished`: they wish it, and it is ours to agree. */
  readonly step: 'open' | 'asked' | 'wished';
}

/** Where the person is on their way from one conversation to the next. */
export type Phase =
  | { readonly name: 'idle' }
  /**
   * `after`: how the last conversation ended, when the search went on by itself. `ownTab`: another tab of this browser waits
   * as well, and the relay does not pair the two.
   */
  | { readonly name: 'waiting'; readonly after: Parting | null; readonly ownTab?: true }
  | ({ readonly name: 'talking' } & Room)
  | { readonly name: 'parted'; readonly reason: Parting }
  /** The relay asked for a pause; then the search goes on by itself. */
  | { readonly name: 'cooling'; readonly seconds: number };

/** What the others were told of our typing: nothing, that we write, or that a while ago. */
export type Typing = 'silent' | 'fresh' | 'stale';

/** How somebody's picture and sound are played. */
export type PlaybackState =
  | 'playing'
  /** Without sound: the browser wants a press first. */
  | 'silenced'
  /** The browser does not let it play, whatever is tried. */
  | 'stopped';

export interface Session {
  readonly mode: Mode;
  /** This browser can see and hear others, as far as it has shown. */
  readonly calls: boolean;
  /** Search on when a partner leaves. */
  readonly keepSearching: boolean;
  /** What the tabs that are open in this browser have in common (tabs.ts); null while it is not known. */
  readonly browser: string | null;
  /** Which microphone and camera the person wants on. */
  readonly on: PerDevice<boolean>;
  /** The ones the person picked, for as long as the page lives. */
  readonly picked: PerDevice<string | null>;
  readonly devices: PerDevice<readonly Device[]>;
  /** Whether the browser would ask before it opens one. */
  readonly permission: PerDevice<Permission>;
  readonly capture: Capture;
  /** The person pressed Start, and the search begins once their devices are open. */
  readonly starting: boolean;
  readonly socket: Socket;
  /** The rules that the person agreed to on this page. */
  readonly agreedTo: string | null;
  /** Where it says who runs this place. Null: nowhere, as far as is known. */
  readonly imprint: string | null;
  readonly phase: Phase;
  /** How often it wanted them to sign in to an account first. */
  readonly accountAsked: number;
  /** How the relay calls this visitor, also in its log. Null until it has told. */
  readonly userId: string | null;
  /** Null until the relay has told them. */
  readonly limits: Limits | null;
  readonly connection: MediaConnection;
  readonly negotiation: Negotiation;
  /** What the relay takes to be shared. */
  readonly told: PerDevice<boolean>;
  readonly chat: ChatLog;
  readonly typing: Typing;
  /** The last conversation's sound may still be on its way out: nobody is heard. */
  readonly hushed: boolean;
  /** A conversation just began, or Next was just pressed: another press is meant for what was there before. */
  readonly guarded: boolean;
  /** The person pressed Escape, and is asked whether they mean it. */
  readonly unsure: boolean;
  readonly back: WayBack | null;
}

/** Both are on until the relay hears otherwise. */
export const TOLD_AT_FIRST: PerDevice<boolean> = { microphone: true, camera: true };

export const FIRST_STATE: Session = {
  mode: 'video',
  calls: true,
  keepSearching: true,
  browser: null,
  on: { microphone: true, camera: true },
  picked: { microphone: null, camera: null },
  devices: { microphone: [], camera: [] },
  permission: { microphone: 'unknown', camera: 'unknown' },
  capture: { name: 'closed' },
  starting: false,
  socket: { name: 'held', consent: { name: 'unknown', refused: false } },
  agreedTo: null,
  imprint: null,
  phase: { name: 'idle' },
  accountAsked: 0,
  userId: null,
  limits: null,
  connection: 'none',
  negotiation: { offer: 'none', stale: 0, due: false, restarts: 0, replacement: false },
  told: TOLD_AT_FIRST,
  chat: [],
  typing: 'silent',
  hushed: false,
  guarded: false,
  unsure: false,
  back: null,
};
