// Owns the shape of every message on the WebSocket, as relay/protocol/README.md specifies them.
// Types only: frames are read and written by signalling.ts, and nothing here decides anything.

/** What an SDP section carries, from the point of view of the browser that offers it. */
export type Role =
  | 'microphone'
  | 'camera'
  | 'screen'
  | 'partner_microphone'
  | 'partner_camera'
  | 'partner_screen';

/** Why a conversation ended, as the one who stays is told. */
export type PartingReason = 'next' | 'left' | 'disconnected' | 'server_stopping';

export type ErrorCode =
  | 'invalid_message'
  | 'message_too_large'
  | 'unknown_event'
  | 'reserved_event'
  | 'out_of_turn'
  | 'invalid_offer'
  | 'too_many_candidates'
  | 'connection_failed'
  | 'server_full'
  | 'slow_reader'
  | 'internal';

/** One entry of RTCConfiguration.iceServers. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** What one client may send. */
export interface Limits {
  /** One WebSocket message, UTF-8 bytes. */
  readonly message_bytes: number;
  /** One chat message, Unicode code points. */
  readonly chat_characters: number;
  /** One offer, UTF-8 bytes. */
  readonly sdp_bytes: number;
  /** Lines in one offer. */
  readonly sdp_lines: number;
  /** ICE candidates, per set of credentials. */
  readonly candidates: number;
}

export interface FindPartner {
  readonly event: 'find_partner';
}

export interface NextPartner {
  readonly event: 'next_partner';
}

export interface LeaveRoom {
  readonly event: 'leave_room';
}

export interface WebrtcOffer {
  readonly event: 'webrtc_offer';
  /** `lines` maps the mid of each section to what it carries. */
  readonly data: { readonly sdp: string; readonly lines: Readonly<Record<string, Role>> };
}

export interface WebrtcIceCandidate {
  readonly event: 'webrtc_ice_candidate';
  /** An empty `candidate` is end-of-candidates. */
  readonly data: {
    readonly candidate: string;
    readonly sdp_mid: string | null;
    readonly sdp_m_line_index: number | null;
  };
}

/** Goes both ways. */
export interface ChatMessage {
  readonly event: 'chat_message';
  readonly data: { readonly text: string };
}

export interface Connected {
  readonly event: 'connected';
  readonly data: {
    readonly user_id: string;
    readonly limits: Limits;
    readonly ice_servers: readonly IceServer[];
    readonly protocol: number;
  };
}

export interface WaitingForPartner {
  readonly event: 'waiting_for_partner';
}

export interface PartnerFound {
  readonly event: 'partner_found';
  readonly data: { readonly room_id: string };
}

export interface WebrtcAnswer {
  readonly event: 'webrtc_answer';
  readonly data: { readonly sdp: string };
}

export interface PartnerDisconnected {
  readonly event: 'partner_disconnected';
  readonly data: { readonly reason: PartingReason };
}

export interface ErrorMessage {
  readonly event: 'error';
  readonly data: {
    readonly code: ErrorCode;
    /** A sentence that may be shown to a person. */
    readonly message: string;
    /** Seconds after which trying again may help. */
    readonly retry_after?: number;
  };
}

export type ClientMessage =
  | FindPartner
  | NextPartner
  | LeaveRoom
  | WebrtcOffer
  | WebrtcIceCandidate
  | ChatMessage;

export type ServerMessage =
  | Connected
  | WaitingForPartner
  | PartnerFound
  | WebrtcAnswer
  | PartnerDisconnected
  | ChatMessage
  | ErrorMessage;
