// Owns the transitions of devices, and when there is a media connection: as soon as there is a socket and the devices are
// open, while the person still waits. What keeps it alive is in negotiation.ts.
//
//   capture   Start            opened, or not   allowed before   text chosen   call not possible
//   off       -                -                -                off           off
//   closed    asking, starts   open             asking           off           off
//   asking    starts           open             -                off           off
//   open      (pairing.ts)     open             -                off           off
//
// Microphone and camera are two wishes: `open` says of each what there is, and why not. One that is missing keeps neither
// the other nor the person out. What went away comes back by itself where the browser needs not ask for it.

import type { Mode } from '../protocol';
import {
  type Captured,
  DEVICE_KINDS,
  type Device,
  type DeviceFailure,
  type DeviceKind,
  type PerDevice,
  type Permission,
} from './devices';
import type { Effect, Step } from './effects';
import { kindsOf, wanted } from './sharing';
import type { OpenCapture, Session } from './state';

export const REOPEN_SECONDS = 1;
const REOPEN: Effect = { type: 'set_timer', timer: 'reopen', seconds: REOPEN_SECONDS };

const NONE = { microphone: null, camera: null } as const;
const NOT = { microphone: false, camera: false } as const;

/** Between conversations only: the relay pairs people of one mode. */
export function chooseMode(session: Session, mode: Mode): Step {
  if (session.phase.name !== 'idle' || mode === session.mode) return [session, []];
  const chosen: Session = { ...session, mode, starting: false };
  if (mode === 'text') {
    return [
      { ...withoutPeer(chosen), capture: { name: 'off' } },
      [{ type: 'close_peer' }, { type: 'close_capture' }],
    ];
  }
  if (!session.calls) return [chosen, []];
  if (session.capture.name === 'open' || isAllowed(chosen)) return openCapture(chosen);
  // What the browser still asks was asked for another mode.
  const asked = session.capture.name === 'asking';
  return [{ ...chosen, capture: { name: 'closed' } }, asked ? [{ type: 'close_capture' }] : []];
}

export function openCapture(session: Session): Step {
  return [
    { ...session, capture: { name: 'asking' } },
    [{ type: 'open_capture', wanted: wanted(session) }],
  ];
}

/** The person wants another try: the answer says whether that changed something. */
export function openCaptureAgain(session: Session): Step {
  const { capture } = session;
  const [asking, effects] = openCapture(session);
  if (capture.name !== 'open') return [asking, effects];
  return [{ ...asking, capture: { name: 'asking', before: capture.absent } }, effects];
}

/** The same of devices that are gone or silent, while the others stay. */
export function openDevicesAgain(session: Session, kinds: readonly DeviceKind[]): Step {
  const { capture, picked } = session;
  if (capture.name !== 'open') return [session, []];
  return [
    { ...session, capture: { ...capture, retried: true } },
    kinds.map((kind) => ({ type: 'switch_device', kind, id: picked[kind] })),
  ];
}

/** The person pressed Start before their devices were open. Null where nothing has to be opened. */
export function startCapture(session: Session): Step | null {
  const starting: Session = { ...session, starting: true };
  if (session.capture.name === 'asking') return [starting, []];
  return session.capture.name === 'closed' ? openCapture(starting) : null;
}

/** A browser without cameras to offer is asked at once: it says why, and the person is told before they start. */
export function pageOpened(session: Session, devices: boolean): Step {
  if (!session.calls) return [{ ...session, capture: { name: 'off' } }, []];
  return devices ? [session, []] : openCapture(session);
}

/** Also after one device took the place of another. */
export function captured(session: Session, { using, failures, muted }: Captured): Step {
  const { capture } = session;
  if (capture.name === 'off' || capture.name === 'closed') return [session, []];
  const before = capture.name === 'asking' ? { absent: NONE, lost: NONE, still: NOT } : capture;
  const lastTime = (capture.name === 'asking' && capture.before) || before.absent;
  /** What the page tries by itself, as something may have been plugged in, is no news when it fails. */
  const byHand = capture.name === 'asking' ? capture.before !== undefined : capture.retried;
  /** What never was there, or still is not, is not lost. */
  const isAbsent = (kind: DeviceKind) => capture.name === 'asking' || before.absent[kind] !== null;
  const why = <Why>(kind: DeviceKind, known: Why | null, failure: DeviceFailure | null) =>
    using[kind] === null ? (failure ?? known) : null;
  const failureOf = (kind: DeviceKind) => failures[kind] ?? null;
  const open: OpenCapture = {
    name: 'open',
    using,
    muted,
    absent: perDevice((kind) =>
      why(kind, before.absent[kind], isAbsent(kind) ? failureOf(kind) : null),
    ),
    lost: perDevice((kind) =>
      why(kind, before.lost[kind], isAbsent(kind) ? null : failureOf(kind)),
    ),
    still: perDevice((kind) => {
      if (using[kind] !== null) return false;
      const failure = failureOf(kind);
      if (failure === null || !byHand) return before.still[kind];
      return failure === (before.lost[kind] ?? lastTime[kind]);
    }),
  };
  return openPeer({ ...session, capture: open });
}

export function chooseDevice(session: Session, kind: DeviceKind, id: string): Step {
  const { capture } = session;
  const chosen: Session = { ...session, picked: { ...session.picked, [kind]: id } };
  // It is opened with the rest.
  if (capture.name !== 'open') return [chosen, []];
  // From now on the person counts on it.
  const counted: OpenCapture = { ...capture, absent: { ...capture.absent, [kind]: null } };
  return [{ ...chosen, capture: counted }, [{ type: 'switch_device', kind, id }]];
}

/** A permission that was taken away ends a device as pulling its cable does. */
export function deviceEnded(session: Session, kind: DeviceKind): Step {
  const { capture } = session;
  if (capture.name !== 'open') return [session, []];
  const why = session.permission[kind] === 'denied' ? 'refused' : 'ended';
  return [
    {
      ...session,
      capture: {
        ...capture,
        using: { ...capture.using, [kind]: null },
        lost: { ...capture.lost, [kind]: why },
        muted: { ...capture.muted, [kind]: false },
        still: { ...capture.still, [kind]: false },
      },
    },
    // Not a camera: another one may look at what nobody was to see.
    kind === 'microphone' ? [REOPEN] : [],
  ];
}

export function deviceMuted(session: Session, kind: DeviceKind, muted: boolean): Step {
  const { capture } = session;
  if (capture.name !== 'open') return [session, []];
  return [{ ...session, capture: { ...capture, muted: { ...capture.muted, [kind]: muted } } }, []];
}

/** The browser threw when it was asked for devices. */
export function captureThrown(session: Session): Step {
  const failures = Object.fromEntries(kindsOf(session.mode).map((kind) => [kind, 'other']));
  const using = session.capture.name === 'open' ? session.capture.using : NONE;
  return captured(session, { using, failures, muted: perDevice(() => false) });
}

/** The person answered the browser, or changed their mind in its settings. */
export function permissionChanged(
  session: Session,
  kind: DeviceKind,
  permission: Permission,
): Step {
  const told: Session = { ...session, permission: { ...session.permission, [kind]: permission } };
  const { capture } = told;
  if (permission === 'granted') {
    if (capture.name === 'closed' && told.phase.name === 'idle' && isAllowed(told)) {
      return openCapture(told);
    }
    return [told, reopen(told, [kind])];
  }
  if (permission !== 'denied' || capture.name !== 'open' || capture.lost[kind] !== 'ended') {
    return [told, []];
  }
  return [{ ...told, capture: { ...capture, lost: { ...capture.lost, [kind]: 'refused' } } }, []];
}

/** What is missing may have been plugged in. */
export function devicesListed(session: Session, devices: PerDevice<readonly Device[]>): Step {
  const { capture } = session;
  const listed: Session = { ...session, devices };
  if (capture.name !== 'open') return [listed, []];
  const isMissing = (kind: DeviceKind) =>
    capture.lost[kind] === 'ended' || (capture.lost[kind] ?? capture.absent[kind]) === 'none';
  const effects = DEVICE_KINDS.filter(isMissing).flatMap((kind) => {
    const plugged = devices[kind].find(
      ({ id }) => !session.devices[kind].some((known) => known.id === id),
    );
    if (plugged === undefined) return [];
    return reopen({ ...session, picked: { ...session.picked, [kind]: plugged.id } }, [kind]);
  });
  return [listed, effects];
}

/** What went away while the page was not looked at may be had again. */
export function woke(session: Session): Effect[] {
  const { capture } = session;
  if (capture.name !== 'open') return [];
  return reopen(
    session,
    DEVICE_KINDS.filter((kind) => capture.lost[kind] === 'ended'),
  );
}

/** Of these, what is missing, and what the browser gives without asking. */
export function reopen(
  { capture, mode, permission, picked }: Session,
  kinds: readonly DeviceKind[],
): Effect[] {
  if (capture.name !== 'open') return [];
  return kindsOf(mode)
    .filter((kind) => kinds.includes(kind) && permission[kind] === 'granted')
    .filter((kind) => capture.lost[kind] !== null || capture.absent[kind] !== null)
    .map((kind) => ({ type: 'switch_device', kind, id: picked[kind] }));
}

/** Opening what the mode asks for needs no question. */
function isAllowed({ mode, permission }: Session): boolean {
  return kindsOf(mode).every((kind) => permission[kind] === 'granted');
}

export function openPeer(session: Session): Step {
  const { capture, socket, connection } = session;
  if (capture.name !== 'open' || socket.name !== 'open' || connection !== 'none') {
    return [session, []];
  }
  return [
    {
      ...session,
      connection: 'new',
      negotiation: { ...session.negotiation, offer: 'making' },
    },
    [{ type: 'open_peer', iceServers: socket.iceServers }],
  ];
}

/** The browser threw when a connection was to be opened: it lacks WebRTC, or a part of it. */
export function withoutCalls(session: Session): Step {
  return [
    { ...withoutPeer(session), calls: false, starting: false, capture: { name: 'off' } },
    [{ type: 'close_peer' }, { type: 'close_capture' }],
  ];
}

/** The state after `close_peer`. What was offered is answered yet, as long as the socket holds. */
export function withoutPeer(session: Session): Session {
  const { offer, stale } = session.negotiation;
  return {
    ...session,
    connection: 'none',
    negotiation: {
      offer: 'none',
      stale: offer === 'sent' ? stale + 1 : stale,
      due: false,
      restarts: 0,
      replacement: false,
    },
  };
}

function perDevice<Value>(of: (kind: DeviceKind) => Value): PerDevice<Value> {
  return { microphone: of('microphone'), camera: of('camera') };
}
