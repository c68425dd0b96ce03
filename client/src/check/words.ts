// Owns what the page says. Pure.

import type { Outcome, Way } from './ways';

export const MEANING: Record<Way, string> = {
  WebSocket: 'Pairing and text',
  UDP: 'Video and sound, the best way',
  TCP: 'Video and sound where UDP is blocked',
  TURN: 'Video and sound where only TLS gets through',
};

export function wordsFor(outcome: Outcome): string {
  switch (outcome.state) {
    case 'trying':
      return 'Trying';
    case 'works':
      return `Works, ${Math.round(outcome.milliseconds)} ms`;
    case 'blocked':
      return 'Blocked';
    case 'absent':
      return 'Not set up';
    case 'untried':
      return 'Not tried';
  }
}

function blocked(link: Outcome): string {
  switch (link.state === 'blocked' ? link.why : undefined) {
    case 'origin_refused':
      return 'The server refuses this page’s address. If a proxy is in front of it, have that pass on Host and X-Forwarded-Proto as it gets them; otherwise name the address in RELAY_ALLOWED_ORIGINS.';
    case 'host_refused':
      return 'The server is not known by this page’s address. Name it in RELAY_HOSTS.';
    case 'rate_limited':
    case 'too_many_connections':
      return 'Too many visitors share this network address. If they come through a proxy of the server, name it in RELAY_TRUSTED_PROXIES.';
    case 'server_full':
      return 'The server is full. Try again later; `relay check` on it says what limits it.';
    case 'server_draining':
      return 'The server is about to restart. Try again in a minute.';
    case 'not_there':
      return 'Something answers that is not the relay. A proxy may be asking the wrong port, or the relay is not running.';
    default:
      return 'The page was reached, but its WebSocket was not. A proxy may not pass on the headers Upgrade and Connection.';
  }
}

/** One sentence for whoever runs the relay or sits behind the firewall. */
export function verdict(outcomes: Readonly<Record<Way, Outcome>>): string {
  const { WebSocket: link, UDP: udp, TCP: tcp, TURN: turn } = outcomes;
  const works = (outcome: Outcome) => outcome.state === 'works';
  if (Object.values(outcomes).some(({ state }) => state === 'trying')) {
    return 'This takes up to fifteen seconds.';
  }
  if (!works(link)) return blocked(link);
  if (works(udp)) return 'Video chat works from here.';
  if (works(tcp))
    return 'Video chat works from here, over TCP. UDP would be smoother: is its port open?';
  if (works(turn))
    return 'Video chat works from here, through TURN, as the network lets nothing else through.';
  if ([udp, tcp, turn].some(({ state }) => state === 'untried')) {
    return 'Text works from here. What carries pictures could not be tried: try again later.';
  }
  return 'Only text works from here. The media port is not reached: open it in the firewall, for UDP and TCP.';
}
