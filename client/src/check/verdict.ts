// Owns what came of the tries, and which words say it. Pure.

import type { Door, Refusal } from '../core/machine/state';
import { check as words } from '../words';

export const PATHS = ['WebSocket', 'UDP', 'TCP', 'TURN'] as const;
export type Path = (typeof PATHS)[number];

export type Outcome =
  | { readonly state: 'trying' }
  /** `withoutTls`: through TURN that networks which let only TLS through would block. */
  | { readonly state: 'works'; readonly milliseconds: number; readonly withoutTls?: boolean }
  /** `why`: what the relay says of it, over HTTP or before it closed. */
  | { readonly state: 'blocked'; readonly why?: Door | Refusal }
  | { readonly state: 'absent' }
  /** Media is agreed on over a WebSocket, and that was not to be had. */
  | { readonly state: 'untried' };

export function wordsFor(outcome: Outcome): string {
  if (outcome.state !== 'works') return words.outcomes[outcome.state];
  const { milliseconds, withoutTls } = outcome;
  return withoutTls ? words.worksWithoutTls(milliseconds) : words.works(milliseconds);
}

/** One sentence for anyone who runs the relay or sits behind the firewall. */
export function verdict(outcomes: Readonly<Record<Path, Outcome>>): string {
  const { WebSocket: socket, UDP: udp, TCP: tcp, TURN: turn } = outcomes;
  const works = (outcome: Outcome) => outcome.state === 'works';
  if (Object.values(outcomes).some(({ state }) => state === 'trying')) return words.patience;
  if (!works(socket)) {
    return words.noSocket[(socket.state === 'blocked' && socket.why) || 'no_websocket'];
  }
  if (works(udp)) return words.allWorks;
  if (works(tcp)) return words.onlyTcp;
  if (works(turn)) return words.onlyTurn;
  const untried = [udp, tcp, turn].some(({ state }) => state === 'untried');
  return untried ? words.mediaUntried : words.onlyText;
}
