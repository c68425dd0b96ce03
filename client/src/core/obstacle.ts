// Owns what stands between the person and a conversation, the foremost first. The words for it and
// the way out of it both start from here, so that they cannot disagree.

import type { DeviceFailure, DeviceKind } from './devices';
import { uses } from './sharing';
import type { Link, Outage, Session } from './state';

export type Obstacle =
  | { readonly name: 'link_lost'; readonly link: Extract<Link, { readonly name: 'lost' }> }
  /** This browser can't see or hear others. */
  | { readonly name: 'no_calls' }
  | { readonly name: 'linking' }
  | { readonly name: 'reconnecting'; readonly outage: Outage }
  | { readonly name: 'asking' }
  | { readonly name: 'capture_failed'; readonly failure: DeviceFailure }
  | { readonly name: 'connection_failed' }
  | {
      readonly name: 'device_lost';
      readonly kind: DeviceKind;
      readonly why: DeviceFailure | 'ended';
    };

export function obstacleOf(session: Session): Obstacle | null {
  const { capture, link, connection, mode } = session;
  if (link.name === 'lost') return { name: 'link_lost', link };
  if (!session.calls && mode !== 'text') return { name: 'no_calls' };
  if (capture.name === 'failed') return { name: 'capture_failed', failure: capture.failure };
  if (capture.name === 'asking') return { name: 'asking' };
  if (link.name === 'connecting') return { name: 'linking' };
  if (link.name === 'reconnecting' || link.name === 'resuming') {
    return { name: 'reconnecting', outage: link.outage };
  }
  if (connection === 'given_up') return { name: 'connection_failed' };
  if (capture.name === 'granted') {
    for (const kind of ['camera', 'microphone'] as const) {
      const why = capture.lost[kind];
      if (uses(mode, kind) && why !== null) return { name: 'device_lost', kind, why };
    }
  }
  return null;
}

/** May the person ask for a partner, or for another one? A conversation may go on without one device. */
export function maySearch(session: Session): boolean {
  if (session.phase.name === 'cooling') return false;
  if (session.phase.name === 'talking' || session.phase.name === 'waiting') {
    return session.link.name === 'open';
  }
  const obstacle = obstacleOf(session);
  // Whoever waits when the link opens is put into the queue then.
  return obstacle === null || WAITABLE.includes(obstacle.name);
}

const WAITABLE: readonly Obstacle['name'][] = ['device_lost', 'linking', 'reconnecting'];
