// Owns which words say what stands in the way, and which button does away with it. Pure.

import type { PersonEvent } from '../core/machine/events';
import type { Sight } from '../core/machine/expected';
import type { Obstacle } from '../core/machine/obstacle';
import { kindsOf } from '../core/machine/sharing';
import type { Door, Ending, Outage, Session } from '../core/machine/state';
import { headline, obstacles as words } from '../words';

/** What the headline says. */
export interface Words {
  readonly status: string;
  readonly hint?: string;
  /** Seconds until it happens. */
  readonly within?: number;
  /** The way on, where it is none of the usual buttons. */
  readonly action?: { readonly label: string; readonly does: PersonEvent };
}

const TRY_AGAIN = { label: words.tryAgain, does: { type: 'retry' } } as const;
const RECONNECT = { label: words.reconnect, does: { type: 'retry' } } as const;
const RECONNECT_NOW = { label: words.reconnectNow, does: { type: 'retry' } } as const;
const TEXT_INSTEAD = {
  label: words.textInstead,
  does: { type: 'choose_mode', mode: 'text' },
} as const;

/** What a press on Start does. */
export function hintBeforeStart({ capture, mode }: Session): string {
  return capture.name === 'closed' ? headline.startAsks(mode) : headline.startPairs;
}

export function wordsForObstacle(session: Session, obstacle: Obstacle, sight: Sight | null): Words {
  const { mode, phase } = session;
  const talking = phase.name === 'talking';
  switch (obstacle.name) {
    case 'socket_lost': {
      const { loss, retryAfter } = obstacle.socket;
      return { ...words.ended(loss, retryAfter), action: ACTION[loss] };
    }
    case 'no_calls':
      return {
        status: words.noCalls(mode),
        ...(talking
          ? { hint: headline.youCanWrite }
          : { hint: words.textWorks, action: TEXT_INSTEAD }),
      };
    case 'consent':
      // The dialog before it says the rest.
      return { status: words.rulesFirst, hint: hintBeforeStart(session) };
    case 'connecting':
      return {
        status: words.connecting,
        // The same as when it is there, so that nothing moves then.
        ...(phase.name === 'idle' && { hint: hintBeforeStart(session) }),
      };
    case 'reconnecting':
      return {
        ...(wordsForDoor(obstacle.door) ?? {
          status: words.outage[obstacle.outage],
          hint: hintForOutage(session, obstacle.outage, sight),
        }),
        action: RECONNECT_NOW,
      };
    case 'asking':
      // It takes a moment, and the words about it leave everything where it is.
      return obstacle.prompting
        ? { ...words.prompting(kindsOf(mode)), action: TEXT_INSTEAD }
        : words.opening(kindsOf(mode));
    case 'capture_failed':
      return wordsForFailures(session, obstacle);
    case 'connection_failed':
      return {
        status: words.notThrough(mode),
        hint: talking ? headline.youCanWrite : words.networkBlocks,
        action: TRY_AGAIN,
      };
    case 'device_lost':
      return {
        ...words.lost(obstacle.kinds, obstacle.why, talking, obstacle.still),
        action: TRY_AGAIN,
      };
    case 'device_muted':
      return { ...words.muted(obstacle.kinds, talking), action: TRY_AGAIN };
  }
}

/** What was ended on purpose is begun anew; what is full or barred may be otherwise later. */
const ACTION: Record<Ending, NonNullable<Words['action']>> = {
  ended: RECONNECT,
  flooded: RECONNECT,
  superseded: RECONNECT,
  too_slow: RECONNECT,
  barred: TRY_AGAIN,
  server_full: TRY_AGAIN,
  server_draining: TRY_AGAIN,
  too_many_connections: TRY_AGAIN,
};

/** Null where nothing is known of why the page cannot connect. */
export function wordsForDoor(door: Door | null): Words | null {
  return door === null || door === 'silent' ? null : words.door[door];
}

function hintForOutage({ phase }: Session, outage: Outage, sight: Sight | null): string {
  if (outage === 'unreachable') return words.checkNetwork;
  if (outage === 'server_stopping') return words.reconnects;
  // Nothing but a picture that moves shows that the server still runs.
  if (phase.name === 'talking') return sight === 'moving' ? words.sentLater : words.writingWaits;
  const cut = phase.name === 'parted' && phase.reason === 'socket_lost';
  return cut ? words.cutOff : words.connectionLost;
}

/** What is not there keeps nobody out: Start goes on without it. */
function wordsForFailures(
  { mode }: Session,
  { failures, still }: Extract<Obstacle, { readonly name: 'capture_failed' }>,
): Words {
  const kinds = kindsOf(mode).filter((kind) => failures[kind] !== undefined);
  const all = kinds.length === kindsOf(mode).length;
  // Of a page that is not secure no try gets anything.
  const insecure = kinds.every((kind) => failures[kind] === 'insecure');
  return {
    ...words.failed(failures, kinds, all, mode, still),
    action: insecure ? TEXT_INSTEAD : TRY_AGAIN,
  };
}
