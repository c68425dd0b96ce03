// What stands in the way, and the buttons that do away with it.

import type { DeviceFailure, DeviceKind, PerDevice } from '../../core/machine/devices';
import type { Door, Ending, Outage } from '../../core/machine/state';
import type { Mode } from '../../core/protocol';
import { seconds } from './headline';

/** What the headline says, and the hint below it. */
interface Said {
  readonly status: string;
  readonly hint?: string;
}

export const tryAgain = 'Try again';
export const reconnect = 'Reconnect';
export const reconnectNow = 'Reconnect now';
export const textInstead = 'Chat by text instead';

/** The dialog says the rest. */
export const rulesFirst = 'First, the rules';

export const connecting = 'Connecting to the server…';

const NOT_SERVED: Said = {
  status: 'The server does not serve this address yet',
  hint: "Your network is fine. The operator finds in the server's log what to set.",
};

/** What is known of why the page cannot connect. Of the network it is nothing. */
export const door: Record<Exclude<Door, 'silent'>, Said> = {
  not_there: {
    status: 'The server is not running right now',
    hint: 'Your network is fine. This page keeps trying by itself.',
  },
  no_websocket: {
    status: 'Something blocks the way to the server',
    hint: 'This page was let through, and its WebSocket was not: by an extension, a firewall, or a proxy of the server. Another network or browser may help.',
  },
  origin_refused: NOT_SERVED,
  host_refused: NOT_SERVED,
  rate_limited: {
    status: 'Too much comes from your network address',
    hint: 'The server lets you in a little later. This page keeps trying by itself.',
  },
};

export const outage: Record<Outage, string> = {
  closed: 'Reconnecting…',
  server_stopping: 'The server is restarting…',
  unreachable: 'The server cannot be reached',
};

export const checkNetwork = 'Check your network. This page keeps trying by itself.';
export const reconnects = 'This page reconnects by itself.';
export const sentLater = 'Your conversation goes on. What you write now is sent later.';
export const writingWaits =
  'This page keeps trying by itself. What you write waits until it gets through.';
export const cutOff = 'Your conversation was cut off. This page keeps trying by itself.';
export const connectionLost = 'The connection was lost. This page keeps trying by itself.';

/** `retryAfter`: seconds after which the server suggests to try again. */
export function ended(loss: Ending, retryAfter: number | null): Said {
  switch (loss) {
    case 'ended':
      return { status: 'The server closed the connection' };
    case 'flooded':
      return {
        status: 'The server closed the connection',
        hint: 'Too much was sent in too short a time.',
      };
    case 'superseded':
      return {
        status: 'Your conversation goes on in another window',
        hint: 'Reconnect to begin anew in this one.',
      };
    case 'too_slow':
      return {
        status: 'The connection to the server was lost',
        hint: 'Your network was too slow to keep up.',
      };
    case 'barred':
      return {
        status: 'This browser cannot connect to the server',
        hint: 'Its age, a setting or an extension keeps it from opening a WebSocket. Another browser may help.',
      };
    case 'server_full':
      return {
        status: 'The server is full right now',
        hint: `There may be room in ${retryAfter === null ? 'a few minutes' : seconds(retryAfter)}.`,
      };
    case 'server_draining':
      return {
        status: 'The server is about to restart',
        hint: `It takes nobody new until then. Try again in ${retryAfter === null ? 'a minute' : seconds(retryAfter)}.`,
      };
    case 'too_many_connections':
      return {
        status: 'Too many visitors share your network address',
        hint: 'If this page is open in other windows, close them.',
      };
  }
}

export function noCalls(mode: Mode): string {
  return `This browser cannot hold ${mode === 'audio' ? 'voice' : 'video'} calls`;
}

export const textWorks = 'WebRTC is missing or turned off in it. Text works.';

export function notThrough(mode: Mode): string {
  return `${mode === 'audio' ? 'Sound' : 'Video'} could not get through`;
}

export const networkBlocks =
  'Your network may be blocking it. Another network may help, and text always works.';

export function opening(kinds: readonly DeviceKind[]): Said {
  return { status: `Opening your ${kinds.at(-1)}…`, hint: nobodyYet(kinds) };
}

export function prompting(kinds: readonly DeviceKind[]): Said {
  return {
    status: `Allow ${named(kinds)} to begin`,
    hint: `Your browser is asking. ${nobodyYet(kinds)}`,
  };
}

function nobodyYet(kinds: readonly DeviceKind[]): string {
  return kinds.length > 1 ? 'Nobody sees or hears you yet.' : 'Nobody hears you yet.';
}

/** Of those that cannot be opened, which are all that the mode asks for, or some. `still`: as the last time. */
export function failed(
  failures: Partial<PerDevice<DeviceFailure>>,
  kinds: readonly DeviceKind[],
  all: boolean,
  mode: Mode,
  still?: true,
): Said {
  const without = all ? WITHOUT_ANY[mode] : WITHOUT[kinds[0] ?? 'camera'];
  const [failure, ...others] = new Set(kinds.map((kind) => failures[kind]));
  if (failure !== undefined && others.length === 0) {
    return failedAlike(kinds, failure, without, still);
  }
  const each = kinds.map((kind) => `${failedAlike([kind], failures[kind] ?? 'other', '').status}.`);
  return {
    status: `${capitalised(named(kinds))} could ${not(still)} be opened`,
    hint: `${each.join(' ')} ${without}`,
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

function failedAlike(
  kinds: readonly DeviceKind[],
  failure: DeviceFailure,
  without: string,
  still?: true,
): Said {
  const Devices = capitalised(named(kinds));
  const [it, was, are] = kinds.length > 1 ? ['them', 'were', 'are'] : ['it', 'was', 'is'];
  const either = [...kinds].reverse().join(' or ');
  switch (failure) {
    case 'refused':
      return {
        status: `${Devices} ${still ? are : was} ${not(still)} allowed`,
        hint: `Allow ${it} in the site settings beside the address of this page. ${without}`,
      };
    case 'none':
      return {
        status: `${still ? 'Still no' : 'No'} ${either} was found`,
        hint: `Plug one in and try again. ${without}`,
      };
    case 'in_use':
      return {
        status: `Your ${either} is ${still ? 'still ' : ''}in use`,
        hint: `Close the other program that uses it, and try again. ${without}`,
      };
    case 'insecure':
      return {
        status: `${Devices} need${kinds.length > 1 ? '' : 's'} a secure page`,
        hint: `Open this page with an address that begins with https. ${without}`,
      };
    case 'other':
      return { status: `${Devices} could ${not(still)} be opened`, hint: without };
  }
}

/** Of those that went away for one reason. `talking`: what the partner has of it matters more. */
export function lost(
  kinds: readonly DeviceKind[],
  why: DeviceFailure | 'ended',
  talking: boolean,
  still?: true,
): Said {
  const many = kinds.length > 1;
  const remedy =
    why === 'refused'
      ? `Allow ${many ? 'them' : 'it'} in the site settings beside the address of this page.`
      : `Plug ${many ? 'them in or choose others' : 'it in or choose another'}.`;
  return {
    status: `Your ${named(kinds)} ${lostHow(why, many, still)}`,
    hint: talking ? `${unnoticed(kinds)} ${remedy}` : remedy,
  };
}

function lostHow(why: DeviceFailure | 'ended', many: boolean, still?: true): string {
  if (why === 'ended') return many ? 'were disconnected' : 'was disconnected';
  if (why !== 'refused') return `could ${not(still)} be opened`;
  return `${many ? 'are' : 'is'} ${still ? 'still not allowed' : 'not allowed any more'}`;
}

export function muted(kinds: readonly DeviceKind[], talking: boolean): Said {
  const remedy = 'Look for a switch on it, a call, or another program that uses it.';
  return {
    status: `Your ${named(kinds)} ${kinds.length > 1 ? 'are' : 'is'} turned off by your system`,
    hint: talking ? `${unnoticed(kinds)} ${remedy}` : remedy,
  };
}

/** So that a press that changed nothing is seen to have done something. */
function not(still?: true): string {
  return still ? 'still not' : 'not';
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
