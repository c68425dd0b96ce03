// The page at /check: what it tries, and what came of it. Some of it is for those who run the relay, with names of settings.

import type { Door, Refusal } from '../../core/machine/state';

export const title = 'Can you reach this relay?';

/** What goes over each path. */
export const meaning = {
  WebSocket: 'Pairing and text',
  UDP: 'Video and sound, the best way',
  TCP: 'Video and sound where UDP is blocked',
  TURN: 'Video and sound where nothing else gets through',
};

export const outcomes = {
  trying: 'Trying',
  blocked: 'Blocked',
  absent: 'Not set up',
  untried: 'Not tried',
};

export function works(milliseconds: number): string {
  return `Works, ${Math.round(milliseconds)} ms`;
}

export function worksWithoutTls(milliseconds: number): string {
  return `${works(milliseconds)}, without TLS`;
}

export const patience = 'This takes up to fifteen seconds.';
export const allWorks = 'Video chat works from here.';
export const onlyTcp =
  'Video chat works from here, over TCP. UDP would be smoother: is its port open?';
export const onlyTurn =
  'Video chat works from here, through TURN, as the network lets nothing else through.';
export const mediaUntried =
  'Text works from here. What carries pictures could not be tried: try again later.';
export const onlyText =
  'Only text works from here. The media port is not reached: open it in the firewall, for UDP and TCP.';

const TOO_MANY =
  'Too many visitors share this network address. If they come through a proxy of the server, name it in RELAY_TRUSTED_PROXIES.';
const NO_WEBSOCKET =
  'The page was reached, but its WebSocket was not. A proxy may not pass on the headers Upgrade and Connection.';

export const noSocket: Record<Door | Refusal, string> = {
  silent: NO_WEBSOCKET,
  no_websocket: NO_WEBSOCKET,
  origin_refused:
    'The server refuses this page’s address. If a proxy is in front of it, have that pass on Host and X-Forwarded-Proto as it gets them; otherwise name the address in RELAY_ALLOWED_ORIGINS.',
  host_refused: 'The server is not known by this page’s address. Name it in RELAY_HOSTS.',
  rate_limited: TOO_MANY,
  too_many_connections: TOO_MANY,
  server_full: 'The server is full. Try again later; `relay check` on it says what limits it.',
  server_draining: 'The server is about to restart. Try again in a minute.',
  not_there:
    'Something answers that is not the relay. A proxy may be asking the wrong port, or the relay is not running.',
};
