// Owns the transitions of devices, and when there is a media connection: as soon as there is a link
// and a device to send from, while the person still waits. What keeps it alive is in negotiation.ts.

import type { DeviceFailure, DeviceKind, PerDevice } from './devices';
import type { Effect, Step } from './effects';
import type { Mode } from './protocol';
import { wanted } from './sharing';
import type { Session } from './state';

const NONE_LOST = { microphone: null, camera: null } as const;

/** Between conversations only: the relay pairs people of one mode. */
export function chooseMode(session: Session, mode: Mode): Step {
  if (session.phase.name !== 'idle' || mode === session.mode) return [session, []];
  const chosen: Session = { ...session, mode };
  if (mode !== 'text') return openCapture(chosen);
  return [
    { ...withoutPeer(chosen), capture: { name: 'off' } },
    [{ type: 'close_peer' }, { type: 'close_capture' }],
  ];
}

/** A browser that can't hold a call has no use for a camera, whose light would be on. */
export function openCapture(session: Session, before: readonly Effect[] = []): Step {
  if (!session.calls) return [{ ...session, capture: { name: 'off' } }, before];
  return [
    { ...session, capture: { name: 'asking' } },
    [...before, { type: 'open_capture', wanted: wanted(session) }],
  ];
}

/** Also after one device took the place of another. */
export function captured(session: Session, using: PerDevice<string | null>): Step {
  const { capture } = session;
  const lost = capture.name === 'granted' ? capture.lost : NONE_LOST;
  const still = (kind: DeviceKind) => (using[kind] === null ? lost[kind] : null);
  return openPeer({
    ...session,
    capture: {
      name: 'granted',
      using,
      lost: { microphone: still('microphone'), camera: still('camera') },
    },
  });
}

export function chooseDevice(session: Session, kind: DeviceKind, id: string): Step {
  if (session.capture.name !== 'granted') return [session, []];
  return [
    { ...session, picked: { ...session.picked, [kind]: id } },
    [{ type: 'switch_device', kind, id }],
  ];
}

export function deviceLost(session: Session, kind: DeviceKind, why: DeviceFailure | 'ended'): Step {
  const { capture } = session;
  if (capture.name !== 'granted') return [session, []];
  return [
    {
      ...session,
      capture: {
        name: 'granted',
        using: { ...capture.using, [kind]: null },
        lost: { ...capture.lost, [kind]: why },
      },
    },
    [],
  ];
}

export function openPeer(session: Session): Step {
  const { capture, link, connection } = session;
  if (capture.name !== 'granted' || link.name !== 'open' || connection !== 'none') {
    return [session, []];
  }
  return [
    {
      ...session,
      connection: 'new',
      negotiation: { ...session.negotiation, offer: 'making' },
    },
    [{ type: 'open_peer', iceServers: link.iceServers }],
  ];
}

/** The browser threw when a connection was to be opened: it lacks WebRTC, or a part of it. */
export function withoutCalls(session: Session): Step {
  return [
    { ...withoutPeer(session), calls: false, capture: { name: 'off' } },
    [{ type: 'close_peer' }, { type: 'close_capture' }],
  ];
}

/** The browser threw when it was asked for a device. */
export function captureThrown(session: Session): Step {
  return [{ ...session, capture: { name: 'failed', failure: 'other' } }, []];
}

/** The state after `close_peer`. What was offered is answered yet, as long as the link holds. */
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
