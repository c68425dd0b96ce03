// Owns the sentences about what stands in the way, and which button does away with it.

import type { DeviceFailure, DeviceKind } from '../core/devices';
import type { Obstacle } from '../core/obstacle';
import type { Mode } from '../core/protocol';
import type { Outage, Session } from '../core/state';
import type { Words } from './words';

const TRY_AGAIN = { label: 'Try again', does: { type: 'retry' } } as const;
const RECONNECT = { label: 'Reconnect', does: { type: 'retry' } } as const;
const RECONNECT_NOW = { label: 'Reconnect now', does: { type: 'retry' } } as const;
const TEXT_INSTEAD = {
  label: 'Chat by text instead',
  does: { type: 'choose_mode', mode: 'text' },
} as const;

export function wordsForObstacle(session: Session, obstacle: Obstacle): Words {
  switch (obstacle.name) {
    case 'link_lost':
      return wordsForLoss(obstacle.link);
    case 'no_calls':
      return wordsForNoCalls(session);
    case 'linking':
      return { status: 'Connecting to the server…' };
    case 'reconnecting':
      return {
        status: OUTAGE[obstacle.outage],
        hint: hintForOutage(session, obstacle.outage),
        action: RECONNECT_NOW,
      };
    case 'asking':
      return {
        status: `Allow ${devicesOf(session.mode)} to begin`,
        hint: 'Your browser is asking. Nobody sees or hears you yet.',
        action: TEXT_INSTEAD,
      };
    case 'capture_failed':
      return wordsForFailure(session.mode, obstacle.failure);
    case 'connection_failed':
      return wordsForConnection(session);
    case 'device_lost':
      return wordsForDevice(session, obstacle.kind, obstacle.why);
  }
}

const OUTAGE: Record<Outage, string> = {
  closed: 'Reconnecting…',
  server_stopping: 'The server is restarting…',
  unreachable: 'The server cannot be reached',
};

function hintForOutage({ phase }: Session, outage: Outage): string {
  if (outage === 'unreachable') return 'Check your network. This page keeps trying by itself.';
  if (outage === 'server_stopping') return 'This page reconnects by itself.';
  if (phase.name === 'talking')
    return 'Your conversation goes on. What you write now is sent later.';
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

function wordsForFailure(mode: Mode, failure: DeviceFailure): Words {
  const devices = devicesOf(mode);
  const Devices = devices.charAt(0).toUpperCase() + devices.slice(1);
  switch (failure) {
    case 'refused':
      return {
        status: `${Devices} ${mode === 'video' ? 'were' : 'was'} not allowed`,
        hint: 'Open the site settings beside the address of this page, allow them, and try again.',
        action: TRY_AGAIN,
      };
    case 'none':
      return {
        status: `No ${mode === 'video' ? 'camera or microphone' : 'microphone'} was found`,
        hint: 'Plug it in and try again, or choose to share less.',
        action: TRY_AGAIN,
      };
    case 'in_use':
      return {
        status: `Your ${mode === 'video' ? 'camera or microphone' : 'microphone'} is in use`,
        hint: 'Close the other program that uses it, and try again.',
        action: TRY_AGAIN,
      };
    case 'insecure':
      return {
        status: `${Devices} need${mode === 'video' ? '' : 's'} a secure page`,
        hint: 'Open this page with an address that begins with https.',
        action: TEXT_INSTEAD,
      };
    case 'other':
      return { status: `${Devices} could not be opened`, action: TRY_AGAIN };
  }
}

function wordsForDevice({ phase }: Session, kind: DeviceKind, why: DeviceFailure | 'ended'): Words {
  const stopped = why === 'ended' ? 'was disconnected' : 'could not be opened';
  const unnoticed = kind === 'camera' ? 'does not see you' : 'does not hear you';
  return {
    status: `Your ${kind} ${stopped}`,
    hint:
      phase.name === 'talking'
        ? `Your partner ${unnoticed}. Plug it in or choose another.`
        : 'Plug it in or choose another.',
    action: TRY_AGAIN,
  };
}

function devicesOf(mode: Mode): string {
  return mode === 'video' ? 'camera and microphone' : 'microphone';
}

export function seconds(count: number): string {
  const whole = Math.max(1, Math.ceil(count));
  return whole === 1 ? 'a second' : `${whole} seconds`;
}
