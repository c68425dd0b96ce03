// Owns the sentences about what stands in the way, and which button does away with it.

import type { DeviceFailure, DeviceKind } from '../core/devices';
import type { Door } from '../core/door';
import type { Obstacle } from '../core/obstacle';
import type { Mode } from '../core/protocol';
import { kindsOf } from '../core/sharing';
import type { Outage, Session } from '../core/state';
import type { Picture } from './frame_watch';
import type { Words } from './words';

const TRY_AGAIN = { label: 'Try again', does: { type: 'retry' } } as const;
const RECONNECT = { label: 'Reconnect', does: { type: 'retry' } } as const;
const RECONNECT_NOW = { label: 'Reconnect now', does: { type: 'retry' } } as const;
const TEXT_INSTEAD = {
  label: 'Chat by text instead',
  does: { type: 'choose_mode', mode: 'text' },
} as const;

/** What a press on Start does. */
export function hintBeforeStart({ capture, mode }: Session): string {
  if (capture.name !== 'closed') return 'Start pairs you with someone at random.';
  const devices = mode === 'video' ? 'your camera and microphone' : 'your microphone';
  return `Start asks for ${devices}, and pairs you with someone at random.`;
}

export function wordsForObstacle(
  session: Session,
  obstacle: Obstacle,
  sight: Picture | null,
): Words {
  switch (obstacle.name) {
    case 'link_lost':
      return wordsForLoss(obstacle.link);
    case 'no_calls':
      return wordsForNoCalls(session);
    case 'linking':
      return {
        status: 'Connecting to the server…',
        // The same as when it is there, so that nothing moves then.
        ...(session.phase.name === 'idle' && { hint: hintBeforeStart(session) }),
      };
    case 'reconnecting':
      return {
        ...(wordsForDoor(obstacle.door) ?? {
          status: OUTAGE[obstacle.outage],
          hint: hintForOutage(session, obstacle.outage, sight),
        }),
        action: RECONNECT_NOW,
      };
    case 'asking':
      return wordsForAsking(session, obstacle.prompting);
    case 'capture_failed':
      return wordsForFailures(session.mode, obstacle);
    case 'connection_failed':
      return wordsForConnection(session);
    case 'device_lost':
      return wordsForLost(session, obstacle);
    case 'device_muted':
      return wordsForMuted(session, obstacle.kinds);
  }
}

/** What is known of why the link does not open. Of the network it is nothing. */
export function wordsForDoor(door: Door | null): Words | null {
  switch (door) {
    case null:
    case 'silent':
      return null;
    case 'not_there':
      return {
        status: 'The server is not running right now',
        hint: 'Your network is fine. This page keeps trying by itself.',
      };
    case 'no_websocket':
      return {
        status: 'Something blocks the way to the server',
        hint: 'This page was let through, and its WebSocket was not: by an extension, a firewall, or a proxy of the server. Another network or browser may help.',
      };
    case 'origin_refused':
    case 'host_refused':
      return {
        status: 'The server does not serve this address yet',
        hint: 'Your network is fine. Whoever runs the server finds in its log what to set.',
      };
    case 'rate_limited':
      return {
        status: 'Too much comes from your network address',
        hint: 'The server lets you in a little later. This page keeps trying by itself.',
      };
  }
}

const OUTAGE: Record<Outage, string> = {
  closed: 'Reconnecting…',
  server_stopping: 'The server is restarting…',
  unreachable: 'The server cannot be reached',
};

function hintForOutage({ phase }: Session, outage: Outage, sight: Picture | null): string {
  if (outage === 'unreachable') return 'Check your network. This page keeps trying by itself.';
  if (outage === 'server_stopping') return 'This page reconnects by itself.';
  // Nothing but a picture that moves shows that the server still runs.
  if (phase.name === 'talking' && sight === 'moving')
    return 'Your conversation goes on. What you write now is sent later.';
  if (phase.name === 'talking')
    return 'This page keeps trying by itself. What you write waits until it gets through.';
  const cut = phase.name === 'parted' && phase.reason === 'link_lost';
  return `${cut ? 'Your conversation was cut off.' : 'The connection was lost.'} This page keeps trying by itself.`;
}

function wordsForLoss({
  loss,
  retryAfter,
}: Extract<Obstacle, { readonly name: 'link_lost' }>['link']): Words {
  const lost = 'The connection to the server was lost';
  switch (loss) {
    case 'ended':
      return { status: 'The server closed the connection', action: RECONNECT };
    case 'flooded':
      return {
        status: 'The server closed the connection',
        hint: 'Too much was sent in too short a time.',
        action: RECONNECT,
      };
    case 'superseded':
      return {
        status: 'Your conversation goes on in another window',
        hint: 'Reconnect to begin anew in this one.',
        action: RECONNECT,
      };
    case 'too_slow':
      return { status: lost, hint: 'Your network was too slow to keep up.', action: RECONNECT };
    case 'barred':
      return {
        status: 'This browser cannot connect to the server',
        hint: 'Its age, a setting or an extension keeps it from opening a WebSocket. Another browser may help.',
        action: TRY_AGAIN,
      };
    case 'server_full':
      return {
        status: 'The server is full right now',
        hint: `There may be room in ${retryAfter === null ? 'a few minutes' : seconds(retryAfter)}.`,
        action: TRY_AGAIN,
      };
    case 'server_draining':
      return {
        status: 'The server is about to restart',
        hint: `It takes nobody new until then. Try again in ${retryAfter === null ? 'a minute' : seconds(retryAfter)}.`,
        action: TRY_AGAIN,
      };
    case 'too_many_connections':
      return {
        status: 'Too many visitors share your network address',
        hint: 'If this page is open in other windows, close them.',
        action: TRY_AGAIN,
      };
  }
}

function wordsForNoCalls({ mode, phase }: Session): Words {
  const status = `This browser cannot hold ${mode === 'audio' ? 'voice' : 'video'} calls`;
  if (phase.name === 'talking') return { status, hint: 'You can still write to each other.' };
  return {
    status,
    hint: 'WebRTC is missing or turned off in it. Text works.',
    action: TEXT_INSTEAD,
  };
}

function wordsForConnection(session: Session): Words {
  const what = session.mode === 'audio' ? 'Sound' : 'Video';
  if (session.phase.name !== 'talking') {
    return {
      status: `${what} could not get through`,
      hint: 'Your network may be blocking it. Another network may help, and text always works.',
      action: TRY_AGAIN,
    };
  }
  return {
    status: `${what} could not get through`,
    hint: 'You can still write to each other.',
    action: TRY_AGAIN,
  };
}

function wordsForAsking({ mode }: Session, prompting: boolean): Words {
  const devices = named(kindsOf(mode));
  const hint = mode === 'video' ? 'Nobody sees or hears you yet.' : 'Nobody hears you yet.';
  // It takes a moment, and the words about it leave everything where it is.
  if (!prompting) return { status: `Opening your ${kindsOf(mode).at(-1)}…`, hint };
  return {
    status: `Allow ${devices} to begin`,
    hint: `Your browser is asking. ${hint}`,
    action: TEXT_INSTEAD,
  };
}

/** What is not there keeps nobody out: Start goes on without it. */
function wordsForFailures(
  mode: Mode,
  { failures, still }: Extract<Obstacle, { readonly name: 'capture_failed' }>,
): Words {
  const kinds = kindsOf(mode).filter((kind) => failures[kind] !== undefined);
  const reasons = [...new Set(kinds.map((kind) => failures[kind]))];
  const all = kinds.length === kindsOf(mode).length;
  const without = all ? WITHOUT_ANY[mode] : WITHOUT[kinds[0] ?? 'camera'];
  const [failure] = reasons;
  if (failure !== undefined && reasons.length === 1)
    return wordsForFailure(kinds, failure, without, still);
  const each = kinds.map(
    (kind) => `${wordsForFailure([kind], failures[kind] ?? 'other', '').status}.`,
  );
  return {
    status: `${capitalised(named(kinds))} could ${not(still)} be opened`,
    hint: `${each.join(' ')} ${without}`,
    action: TRY_AGAIN,
  };
}

const WITHOUT: Record<DeviceKind, string> = {
  camera: 'Start goes on without it: you are heard, and see and hear others.',
  microphone: 'Start goes on without it: you are seen, and see and hear others.',
};

const WITHOUT_ANY: Record<Mode, string> = {
  video: 'Start goes on without: you see and hear others, and write.',
  audio: 'Start goes on without: you hear others, and write.',
  text: '',
};

function wordsForFailure(
  kinds: readonly DeviceKind[],
  failure: DeviceFailure,
  without: string,
  still?: true,
): Words {
  const Devices = capitalised(named(kinds));
  const [it, was, are] = kinds.length > 1 ? ['them', 'were', 'are'] : ['it', 'was', 'is'];
  const either = [...kinds].reverse().join(' or ');
  switch (failure) {
    case 'refused':
      return {
        status: `${Devices} ${still ? are : was} ${not(still)} allowed`,
        hint: `Allow ${it} in the site settings beside the address of this page. ${without}`,
        action: TRY_AGAIN,
      };
    case 'none':
      return {
        status: `${still ? 'Still no' : 'No'} ${either} was found`,
        hint: `Plug one in and try again. ${without}`,
        action: TRY_AGAIN,
      };
    case 'in_use':
      return {
        status: `Your ${either} is ${still ? 'still ' : ''}in use`,
        hint: `Close the other program that uses it, and try again. ${without}`,
        action: TRY_AGAIN,
      };
    case 'insecure':
      return {
        status: `${Devices} need${kinds.length > 1 ? '' : 's'} a secure page`,
        hint: `Open this page with an address that begins with https. ${without}`,
        action: TEXT_INSTEAD,
      };
    case 'other':
      return {
        status: `${Devices} could ${not(still)} be opened`,
        hint: without,
        action: TRY_AGAIN,
      };
  }
}

function wordsForLost(
  { phase }: Session,
  { kinds, why, still }: Extract<Obstacle, { readonly name: 'device_lost' }>,
): Words {
  const many = kinds.length > 1;
  const remedy =
    why === 'refused'
      ? `Allow ${many ? 'them' : 'it'} in the site settings beside the address of this page.`
      : `Plug ${many ? 'them in or choose others' : 'it in or choose another'}.`;
  return {
    status: `Your ${named(kinds)} ${lostHow(why, many, still)}`,
    hint: phase.name === 'talking' ? `${unnoticed(kinds)} ${remedy}` : remedy,
    action: TRY_AGAIN,
  };
}

function lostHow(why: DeviceFailure | 'ended', many: boolean, still?: true): string {
  if (why === 'ended') return many ? 'were disconnected' : 'was disconnected';
  if (why !== 'refused') return `could ${not(still)} be opened`;
  return `${many ? 'are' : 'is'} ${still ? 'still not allowed' : 'not allowed any more'}`;
}

/** So that a press that changed nothing is seen to have done something. */
function not(still?: true): string {
  return still ? 'still not' : 'not';
}

function wordsForMuted({ phase }: Session, kinds: readonly DeviceKind[]): Words {
  const remedy = 'Look for a switch on it, a call, or another program that uses it.';
  return {
    status: `Your ${named(kinds)} ${kinds.length > 1 ? 'are' : 'is'} turned off by your system`,
    hint: phase.name === 'talking' ? `${unnoticed(kinds)} ${remedy}` : remedy,
    action: TRY_AGAIN,
  };
}

function unnoticed(kinds: readonly DeviceKind[]): string {
  if (kinds.length > 1) return 'Your partner neither sees nor hears you.';
  return kinds[0] === 'camera'
    ? 'Your partner does not see you.'
    : 'Your partner does not hear you.';
}

/** The camera first, as people say it. */
function named(kinds: readonly DeviceKind[]): string {
  return kinds.length > 1 ? 'camera and microphone' : (kinds[0] ?? '');
}

function capitalised(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export function seconds(count: number): string {
  const whole = Math.max(1, Math.ceil(count));
  return whole === 1 ? 'a second' : `${whole} seconds`;
}
