// Owns the one WebSocket to the relay: frames to typed messages and back, and the report that the
// socket is lost. It does not reconnect and does not know what a message means.

import type { SocketLoss } from '../machine/state';
import type { ClientMessage, ServerMessage } from '../protocol';

export interface SignallingObserver {
  received(message: ServerMessage): void;
  /** Called once, and never after `close()` or `abandon()`. */
  lost(loss: SocketLoss): void;
}

const SERVER_EVENTS: Record<ServerMessage['event'], true> = {
  connected: true,
  resumed: true,
  ice_servers: true,
  waiting_for_partner: true,
  partner_found: true,
  back_asked: true,
  webrtc_answer: true,
  partner_reconnecting: true,
  partner_resumed: true,
  ping: true,
  pong: true,
  partner_disconnected: true,
  server_draining: true,
  chat_message: true,
  chat_keeping: true,
  message_delivered: true,
  typing: true,
  media_state: true,
  error: true,
};

/** The relay's socket, beside the page at this address. */
export function relayUrl(page: string): string {
  const url = new URL('ws', page);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

export class Signalling {
  readonly #socket: WebSocket;
  #observer: SignallingObserver | null;

  constructor(url: string, observer: SignallingObserver) {
    this.#observer = observer;
    this.#socket = new WebSocket(url);
    this.#socket.addEventListener('message', (frame) => {
      const message = read(frame.data);
      if (message !== null) this.#observer?.received(message);
    });
    // A failed connection also ends in `close`, so `error` has nothing to add.
    this.#socket.addEventListener('close', ({ code }) => {
      const told = this.#observer;
      this.#observer = null;
      told?.lost(lossOf(code));
    });
  }

  /** What is said to a socket that is not open is dropped: there is nobody left to receive it. */
  send(message: ClientMessage): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  close(): void {
    this.#observer = null;
    this.#socket.close(1000);
  }

  /**
   * Passes on nothing more. An open socket is left to the relay, which closes it when the session goes on
   * over another (4001): a goodbye from here would end the session.
   */
  abandon(): void {
    this.#observer = null;
    if (this.#socket.readyState === WebSocket.CONNECTING) this.#socket.close();
  }
}

/**
 * Fields are not checked one by one: the page and the socket come from the same server. An event
 * that is not known is passed over, so that a newer server may say more.
 */
function read(frame: unknown): ServerMessage | null {
  if (typeof frame !== 'string') return null;
  let message: unknown;
  try {
    message = JSON.parse(frame);
  } catch {
    return null;
  }
  return isServerMessage(message) ? message : null;
}

function isServerMessage(message: unknown): message is ServerMessage {
  if (typeof message !== 'object' || message === null || !('event' in message)) return false;
  return typeof message.event === 'string' && Object.hasOwn(SERVER_EVENTS, message.event);
}

function lossOf(code: number): SocketLoss {
  switch (code) {
    case 1000:
      return 'ended';
    case 1001:
      return 'server_stopping';
    case 1008:
      return 'flooded';
    case 1013:
      return 'server_full';
    case 4000:
      return 'too_slow';
    case 4001:
      return 'superseded';
    default:
      return 'closed';
  }
}
