// Owns what stands between the person and a conversation, the foremost first. The words for it and
// the way out of it both start from here, so that they cannot disagree.

import type { DeviceFailure, DeviceKind, PerDevice } from './devices';
import { kindsOf, uses } from './sharing';
import type { Door, OpenCapture, Outage, Session, Socket } from './state';

export type Obstacle =
  /** The person is asked whether they agree, or said that they do not. */
  | { readonly name: 'consent' }
  | { readonly name: 'socket_lost'; readonly socket: Extract<Socket, { readonly name: 'lost' }> }
  /** This browser can't see or hear others. */
  | { readonly name: 'no_calls' }
  | { readonly name: 'connecting' }
  | { readonly name: 'reconnecting'; readonly outage: Outage; readonly door: Door | null }
  /** `prompting`: the browser asks the person, as far as it tells. */
  | { readonly name: 'asking'; readonly prompting: boolean }
  /** Before the start: what cannot be opened, and why. */
  | {
      readonly name: 'capture_failed';
      readonly failures: Partial<PerDevice<DeviceFailure>>;
      /** As the last time. */
      readonly still?: true;
    }
  | { readonly name: 'connection_failed' }
  /** In front of the person: those that went away for one reason. */
  | {
      readonly name: 'device_lost';
      readonly kinds: readonly DeviceKind[];
      readonly why: DeviceFailure | 'ended';
      readonly still?: true;
    }
  | { readonly name: 'device_muted'; readonly kinds: readonly DeviceKind[] };

/** A face that is missing is missed first. */
const CAMERA_FIRST: readonly DeviceKind[] = ['camera', 'microphone'];

export function obstacleOf(session: Session): Obstacle | null {
  const { capture, socket, connection, mode } = session;
  if (isAsked(socket)) return { name: 'consent' };
  if (socket.name === 'lost') return { name: 'socket_lost', socket };
  if (!session.calls && mode !== 'text') return { name: 'no_calls' };
  if (capture.name === 'asking') return { name: 'asking', prompting: isPrompting(session) };
  if (socket.name === 'connecting' || socket.name === 'held') return { name: 'connecting' };
  if (socket.name === 'reconnecting' || socket.name === 'resuming') {
    const door = socket.name === 'reconnecting' ? socket.door : null;
    return { name: 'reconnecting', outage: socket.outage, door };
  }
  if (connection === 'given_up') return { name: 'connection_failed' };
  return capture.name === 'open' ? deviceObstacle(session, capture) : null;
}

/** Of the devices that the person wants on. In a conversation it is known by then what there never was. */
function deviceObstacle(
  { mode, phase, on }: Session,
  { absent, lost, muted, still }: OpenCapture,
): Obstacle | null {
  const kinds = CAMERA_FIRST.filter((kind) => uses(mode, kind));
  const first = kinds.find((kind) => lost[kind] !== null);
  if (first !== undefined) {
    const why = lost[first] ?? 'ended';
    const gone = kinds.filter((kind) => lost[kind] === why);
    return { name: 'device_lost', kinds: gone, why, ...again(gone, still) };
  }
  const failed = kinds.filter((kind) => absent[kind] !== null);
  if (phase.name === 'idle' && failed.length > 0) {
    const failures = Object.fromEntries(failed.map((kind) => [kind, absent[kind]]));
    return { name: 'capture_failed', failures, ...again(failed, still) };
  }
  const silenced = kinds.filter((kind) => muted[kind] && on[kind]);
  return silenced.length > 0 ? { name: 'device_muted', kinds: silenced } : null;
}

function again(kinds: readonly DeviceKind[], still: PerDevice<boolean>): { still?: true } {
  return kinds.every((kind) => still[kind]) ? { still: true } : {};
}

/** The moment before it is known whether they have to be looks as that before a socket opens. */
function isAsked(socket: Socket): boolean {
  return socket.name === 'held' && socket.consent.name !== 'unknown';
}

function isPrompting({ mode, permission }: Session): boolean {
  return kindsOf(mode).some((kind) => permission[kind] !== 'granted');
}

/** May the person ask for a partner, or for another one? A conversation may go on without one device. */
export function maySearch(session: Session): boolean {
  if (session.phase.name === 'cooling' || session.phase.name === 'waiting') return false;
  if (session.phase.name === 'talking') return session.socket.name === 'open';
  if (session.starting) return false;
  const obstacle = obstacleOf(session);
  // Anyone who waits when the socket opens is put into the queue then.
  return obstacle === null || WAITABLE.includes(obstacle.name);
}

const WAITABLE: readonly Obstacle['name'][] = [
  'asking',
  'capture_failed',
  'device_lost',
  'device_muted',
  'connecting',
  'reconnecting',
];
