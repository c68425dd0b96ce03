// Owns the transitions of devices and of the media connection. A connection is made as soon as there
// is a link and a device to send from, while the person still waits.

import type { DeviceFailure, DeviceKind, PerDevice } from './devices';
import { redial } from './link';
import { mayRetryConnection } from './obstacle';
import type { Connection } from './peer';
import type { Mode } from './protocol';
import { wanted } from './sharing';
import type { Effect, Session, Step } from './state';

const NONE_LOST = { microphone: null, camera: null } as const;

/** Between conversations only: the relay pairs people of one mode. */
export function chooseMode(session: Session, mode: Mode): Step {
  if (session.phase.name !== 'idle' || mode === session.mode) return [session, []];
  const chosen: Session = { ...session, mode };
  if (mode !== 'text') return openCapture(chosen);
  return [
    { ...chosen, capture: { name: 'off' }, connection: 'none' },
    [{ type: 'close_peer' }, { type: 'close_capture' }],
  ];
}

export function openCapture(session: Session, before: readonly Effect[] = []): Step {
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
  // A link takes one offer. Who went from text to video may have made it before.
  if (!session.mayOffer) return redial(session);
  return [
    { ...session, connection: 'new', mayOffer: false },
    [{ type: 'open_peer', iceServers: link.iceServers }],
  ];
}

export function connectionChanged(session: Session, connection: Connection): Step {
  return [{ ...session, connection, retried: session.retried && connection !== 'connected' }, []];
}

/** Only the server's word allows another offer; the browser's own `failed` does not. */
export function connectionFailed(session: Session): Step {
  const allowed: Session = { ...session, mayOffer: true };
  if (session.retried) return giveUpConnection(allowed);
  return openPeer({ ...allowed, connection: 'none', retried: true });
}

export function giveUpConnection(session: Session): Step {
  return [{ ...session, connection: 'failed' }, [{ type: 'close_peer' }]];
}

export function retryConnection(session: Session): Step {
  if (!mayRetryConnection(session)) return [session, []];
  return openPeer({ ...session, connection: 'none' });
}
