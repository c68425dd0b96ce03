// Every message on the WebSocket. Generated from relay/protocol/messages.py by `make protocol`, and
// specified in relay/protocol/README.md. Types only: signalling.ts reads and writes the frames.

/** What an SDP section carries, from the point of view of the browser that offers it. */
export type Role =
  | 'microphone'
  | 'camera'
  | 'screen'
  | 'partner_microphone'
  | 'partner_camera'
  | 'partner_screen';

/** What a visitor wants to share. Only people of one mode are paired. */
export type Mode =
  | 'video'
  | 'audio'
  | 'text';

/** Why a conversation ended, as the one who stays is told. */
export type PartingReason =
  | 'next'
  | 'left'
  | 'disconnected'
  | 'operator'
  | 'server_stopping';

/** Kinds of ICE candidates (RFC 8445 section 4). */
export type CandidateType =
  | 'host'
  | 'srflx'
  | 'prflx'
  | 'relay';

/** What carries checks and media between the browser's candidate and ours. */
export type CandidateProtocol =
  | 'udp'
  | 'tcp';

/** How a browser reaches its TURN server. */
export type RelayProtocol =
  | 'udp'
  | 'tcp'
  | 'tls';

/** What a person expects of their partner first. */
export type FirstSign =
  | 'picture'
  | 'sound';

/** Why something was refused. The specification (`protocol/README.md`) lists who sees which. */
export type ErrorCode =
  | 'invalid_message'
  | 'message_too_large'
  | 'unknown_event'
  | 'reserved_event'
  | 'out_of_turn'
  | 'invalid_offer'
  | 'too_many_candidates'
  | 'connection_failed'
  | 'no_common_codec'
  | 'resume_failed'
  | 'consent_needed'
  | 'rate_limited'
  | 'too_many_connections'
  | 'server_full'
  | 'server_draining'
  | 'slow_reader'
  | 'account_needed'
  | 'internal';

/** One entry of RTCConfiguration.iceServers (W3C WebRTC, RTCIceServer). */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** Sizes of what one client may send. Told to the client in `connected`. */
export interface Limits {
  readonly message_bytes: number;
  readonly chat_characters: number;
  readonly sdp_bytes: number;
  readonly sdp_lines: number;
  readonly candidates: number;
}

/** Search for a partner. */
export interface FindPartner {
  readonly event: 'find_partner';
  readonly data: {
    readonly mode?: Mode;
    readonly keep_searching?: boolean;
    readonly browser?: string | null;
  };
}

/** Leave the partner, if there is one, and search again as before. */
export interface NextPartner {
  readonly event: 'next_partner';
}

/** Undo a Next: of one's own, or of the partner who would like to come back. */
export interface Back {
  readonly event: 'back';
  readonly data: {
    readonly room_id: string;
  };
}

/** Leave partner or queue. */
export interface LeaveRoom {
  readonly event: 'leave_room';
}

/** The browser's one offer. */
export interface WebrtcOffer {
  readonly event: 'webrtc_offer';
  readonly data: {
    readonly sdp: string;
    readonly lines: Readonly<Record<string, Role>>;
  };
}

/** A candidate of the browser's. */
export interface WebrtcIceCandidate {
  readonly event: 'webrtc_ice_candidate';
  readonly data: {
    readonly candidate: string;
    readonly sdp_mid?: string | null;
    readonly sdp_m_line_index?: number | null;
  };
}

/** The first event of a new connection: go on where a lost one stopped. */
export interface Resume {
  readonly event: 'resume';
  readonly data: {
    readonly token: string;
    readonly last_message?: string | null;
  };
}

/** What the browser says of the candidate pair that it selected (W3C webrtc-stats, RTCIceCandidateStats). */
export interface MediaPath {
  readonly event: 'media_path';
  readonly data: {
    readonly type: CandidateType;
    readonly protocol: CandidateProtocol;
    readonly relay_protocol?: RelayProtocol | null;
  };
}

/** How a conversation was for one side, by their browser (W3C webrtc-stats). None: the browser can't tell. */
export interface QualityReport {
  readonly event: 'quality_report';
  readonly data: {
    readonly room_id: string;
    readonly seconds: number;
    readonly frames_per_second?: number | null;
    readonly freezes?: number | null;
    readonly frozen_seconds?: number | null;
    readonly width?: number | null;
    readonly height?: number | null;
    readonly loss?: number | null;
    readonly round_trip?: number | null;
    readonly path?: MediaPath['data'] | null;
  };
}

/** The partner is seen, or heard where there is no picture: once in a conversation. */
export interface FirstFrame {
  readonly event: 'first_frame';
  readonly data: {
    readonly room_id: string;
    readonly medium: FirstSign;
    readonly seconds: number;
  };
}

/** Text from one partner to the other. */
export interface ChatMessage {
  readonly event: 'chat_message';
  readonly data: {
    readonly id: string;
    readonly text: string;
    readonly room_id?: string;
  };
}

/** Somebody began or stopped to write. */
export interface Typing {
  readonly event: 'typing';
  readonly data: {
    readonly active: boolean;
  };
}

/** Whether somebody's microphone and camera are on. */
export interface MediaState {
  readonly event: 'media_state';
  readonly data: {
    readonly microphone: boolean;
    readonly camera: boolean;
  };
}

/** The other side has said nothing for a while: is it there? A page can't see a WebSocket's own pings. */
export interface Ping {
  readonly event: 'ping';
}

/** The answer to `ping`. */
export interface Pong {
  readonly event: 'pong';
}

/** The first message of every connection. */
export interface Connected {
  readonly event: 'connected';
  readonly data: {
    readonly user_id: string;
    readonly session_token: string;
    readonly resume_window: number;
    readonly limits: Limits;
    readonly ice_servers: readonly IceServer[];
    readonly protocol: number;
  };
}

/** The lost connection's session goes on over this one, in this state; missed chat follows. */
export interface Resumed {
  readonly event: 'resumed';
  readonly data: {
    readonly user_id: string;
    readonly session_token: string;
    readonly ice_servers: readonly IceServer[];
    readonly searching: boolean;
    readonly room_id: string | null;
    readonly microphone: boolean;
    readonly camera: boolean;
  };
}

/** ICE servers with fresh credentials, in the place of those in `connected`. */
export interface IceServers {
  readonly event: 'ice_servers';
  readonly data: {
    readonly ice_servers: readonly IceServer[];
  };
}

/** The visitor is in the queue. */
export interface WaitingForPartner {
  readonly event: 'waiting_for_partner';
  readonly data: {
    readonly own_tab?: boolean;
  };
}

/** The visitor is paired, and may send media now. */
export interface PartnerFound {
  readonly event: 'partner_found';
  readonly data: {
    readonly room_id: string;
    readonly microphone: boolean;
    readonly camera: boolean;
  };
}

/** The former partner, who went on, would like to come back. */
export interface BackAsked {
  readonly event: 'back_asked';
  readonly data: {
    readonly room_id: string;
  };
}

/** The answer to the browser's offer. */
export interface WebrtcAnswer {
  readonly event: 'webrtc_answer';
  readonly data: {
    readonly sdp: string;
  };
}

/** A chat message is on its way to the partner. */
export interface MessageDelivered {
  readonly event: 'message_delivered';
  readonly data: {
    readonly id: string;
  };
}

/** The partner is gone. */
export interface PartnerDisconnected {
  readonly event: 'partner_disconnected';
  readonly data: {
    readonly reason: PartingReason;
    readonly searching: boolean;
  };
}

/** The partner's connection was lost; they may be back within the resume window. */
export interface PartnerReconnecting {
  readonly event: 'partner_reconnecting';
}

/** The partner is back. */
export interface PartnerResumed {
  readonly event: 'partner_resumed';
}

/** The server stops soon; conversations may end by themselves until then. */
export interface ServerDraining {
  readonly event: 'server_draining';
  readonly data: {
    readonly seconds: number;
  };
}

/** Something was refused. */
export interface ErrorMessage {
  readonly event: 'error';
  readonly data: {
    readonly code: ErrorCode;
    readonly message: string;
    readonly refused?: string;
    readonly id?: string;
    readonly retry_after?: number;
  };
}

export type ClientMessage =
  | FindPartner
  | NextPartner
  | Back
  | LeaveRoom
  | WebrtcOffer
  | WebrtcIceCandidate
  | Resume
  | MediaPath
  | QualityReport
  | FirstFrame
  | ChatMessage
  | Typing
  | MediaState
  | Ping
  | Pong;

export type ServerMessage =
  | ChatMessage
  | Typing
  | MediaState
  | Ping
  | Pong
  | Connected
  | Resumed
  | IceServers
  | WaitingForPartner
  | PartnerFound
  | BackAsked
  | WebrtcAnswer
  | MessageDelivered
  | PartnerDisconnected
  | PartnerReconnecting
  | PartnerResumed
  | ServerDraining
  | ErrorMessage;
