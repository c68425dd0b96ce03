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
  }
}

/** One sentence for whoever runs the relay or sits behind the firewall. */
export function verdict(outcomes: Readonly<Record<Way, Outcome>>): string {
  const { WebSocket: link, UDP: udp, TCP: tcp, TURN: turn } = outcomes;
  const works = (outcome: Outcome) => outcome.state === 'works';
  if (Object.values(outcomes).some(({ state }) => state === 'trying')) {
    return 'This takes up to fifteen seconds.';
  }
  if (!works(link))
    return 'The page was reached, but its WebSocket was not. A proxy may not pass it on.';
  if (works(udp)) return 'Video chat works from here.';
  if (works(tcp))
    return 'Video chat works from here, over TCP. UDP would be smoother: is its port open?';
  if (works(turn))
    return 'Video chat works from here, through TURN, as the network lets nothing else through.';
  return 'Only text works from here. The media port is not reached: open it in the firewall, for UDP and TCP.';
}
