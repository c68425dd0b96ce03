import { describe, expect, test } from 'vitest';
import {
  advance,
  CONNECTED,
  effectsOf,
  error,
  FOUND,
  GRANTED,
  LINKED,
  LOST,
  READY,
  received,
  says,
  TALKING,
  TEXT_READY,
  USING,
  WAITING,
} from '../testing/sessions';
import { maySearch, obstacleOf } from './obstacle';
import { reduce } from './session';
import type { Session, SessionEvent } from './state';

const OPEN_PEER = { type: 'open_peer', iceServers: [{ urls: ['stun:relay.test'] }] } as const;
const INVALID = error('invalid_offer');
const UNPLUGGED: SessionEvent = { type: 'device_lost', kind: 'camera', why: 'ended' };

function types(session: Session, event: SessionEvent): string[] {
  return effectsOf(session, event).map(({ type }) => type);
}

describe('getting ready', () => {
  test('the media connection is opened when the devices come last', () => {
    expect(effectsOf(LINKED, { type: 'captured', using: USING })).toEqual([OPEN_PEER]);
  });

  test('the media connection is opened when the link comes last', () => {
    expect(effectsOf(GRANTED, received(CONNECTED))).toEqual([OPEN_PEER]);
  });

  test('the devices are enough to start with, and the link alone is not', () => {
    expect([LINKED, GRANTED, READY].map(maySearch)).toEqual([false, true, true]);
  });

  test('refused devices leave their reason, no way to start, and a way to ask again', () => {
    const session = advance(LINKED, { type: 'capture_failed', failure: 'refused' });
    expect(obstacleOf(session)).toEqual({ name: 'capture_failed', failure: 'refused' });
    expect(reduce(session, { type: 'start' })).toEqual([session, []]);
    const [asking, effects] = reduce(session, { type: 'retry' });
    expect(asking.capture).toEqual({ name: 'asking' });
    expect(effects).toEqual([{ type: 'open_capture', wanted: { microphone: null, camera: null } }]);
  });

  test('the candidates go to the server', () => {
    const candidate = { candidate: '', sdp_mid: null, sdp_m_line_index: null };
    expect(effectsOf(READY, { type: 'gathered', candidate })).toEqual([
      says({ event: 'webrtc_ice_candidate', data: candidate }),
    ]);
  });
});

describe('the mode', () => {
  test('audio asks for the microphone alone and keeps the media connection', () => {
    const [session, effects] = reduce(READY, { type: 'choose_mode', mode: 'audio' });
    expect(effects).toEqual([
      says({ event: 'media_state', data: { microphone: true, camera: false } }),
      { type: 'open_capture', wanted: { microphone: null } },
    ]);
    expect(session.capture).toEqual({ name: 'asking' });
    expect(types(session, { type: 'captured', using: { microphone: 'm', camera: null } })).toEqual(
      [],
    );
  });

  test('audio sends no camera', () => {
    const audio = advance(
      READY,
      { type: 'choose_mode', mode: 'audio' },
      { type: 'captured', using: { microphone: 'm', camera: null } },
      { type: 'start' },
    );
    expect(effectsOf(audio, received(FOUND))).toEqual([
      { type: 'send_media', sending: { microphone: true, camera: false } },
    ]);
  });

  test('text closes devices and media connection, and is ready at once', () => {
    const [session, effects] = reduce(READY, { type: 'choose_mode', mode: 'text' });
    expect(effects).toEqual([
      says({ event: 'media_state', data: { microphone: false, camera: false } }),
      { type: 'close_peer' },
      { type: 'close_capture' },
    ]);
    expect(maySearch(session)).toBe(true);
    expect(effectsOf(advance(session, { type: 'start' }), received(FOUND))).toEqual([]);
  });

  test('text is a way on from refused devices', () => {
    const refused = advance(LINKED, { type: 'capture_failed', failure: 'refused' });
    expect(maySearch(advance(refused, { type: 'choose_mode', mode: 'text' }))).toBe(true);
  });

  test('stays what it is outside the landing page, and when it is chosen again', () => {
    for (const session of [WAITING, TALKING]) {
      expect(reduce(session, { type: 'choose_mode', mode: 'text' })).toEqual([session, []]);
    }
    expect(reduce(READY, { type: 'choose_mode', mode: 'video' })).toEqual([READY, []]);
  });

  test('going back from text opens another media connection', () => {
    const back = advance(TEXT_READY, { type: 'choose_mode', mode: 'video' });
    expect(effectsOf(back, { type: 'captured', using: USING })).toEqual([OPEN_PEER]);
  });
});

describe('microphone and camera', () => {
  test('switched off in a call stop at the source, on the line, and are told', () => {
    expect(effectsOf(TALKING, { type: 'toggle', kind: 'microphone' })).toEqual([
      { type: 'enable_devices', on: { microphone: false, camera: true } },
      { type: 'send_media', sending: { microphone: false, camera: true } },
      says({ event: 'media_state', data: { microphone: false, camera: true } }),
    ]);
  });

  test('switched off before a call are told, and not sent in it', () => {
    const off = advance(READY, { type: 'toggle', kind: 'camera' }, { type: 'start' });
    expect(effectsOf(off, received(FOUND))).toEqual([
      { type: 'send_media', sending: { microphone: true, camera: false } },
    ]);
  });

  test('can be switched on again', () => {
    const off = advance(TALKING, { type: 'toggle', kind: 'camera' });
    expect(effectsOf(off, { type: 'toggle', kind: 'camera' })).toContainEqual({
      type: 'send_media',
      sending: { microphone: true, camera: true },
    });
  });

  test('a device that is picked is opened, and asked for again later', () => {
    const picking: SessionEvent = { type: 'choose_device', kind: 'camera', id: 'cam-2' };
    const [session, effects] = reduce(TALKING, picking);
    expect(effects).toEqual([{ type: 'switch_device', kind: 'camera', id: 'cam-2' }]);
    const later = advance(session, { type: 'stop' }, { type: 'choose_mode', mode: 'audio' });
    expect(effectsOf(later, { type: 'choose_mode', mode: 'video' })).toContainEqual({
      type: 'open_capture',
      wanted: { microphone: null, camera: 'cam-2' },
    });
  });

  test('cannot be picked before they are allowed', () => {
    const picking: SessionEvent = { type: 'choose_device', kind: 'camera', id: 'cam-2' };
    expect(reduce(LINKED, picking)).toEqual([LINKED, []]);
  });

  test('their list is kept', () => {
    const devices = { microphone: [], camera: [{ id: 'cam-2', label: 'Desk' }] };
    expect(advance(READY, { type: 'devices_listed', devices }).devices).toBe(devices);
  });

  test('an unplugged camera is noticed, told, and no longer sent', () => {
    const [session, effects] = reduce(TALKING, UNPLUGGED);
    expect(obstacleOf(session)).toEqual({ name: 'device_lost', kind: 'camera', why: 'ended' });
    expect(effects).toEqual([
      { type: 'send_media', sending: { microphone: true, camera: false } },
      says({ event: 'media_state', data: { microphone: true, camera: false } }),
    ]);
    expect(maySearch(session)).toBe(true);
  });

  test('an unplugged camera can be tried again, and is sent again', () => {
    const unplugged = advance(TALKING, UNPLUGGED);
    expect(effectsOf(unplugged, { type: 'retry' })).toEqual([
      { type: 'switch_device', kind: 'camera', id: null },
    ]);
    const [session, effects] = reduce(unplugged, { type: 'captured', using: USING });
    expect(obstacleOf(session)).toBeNull();
    expect(effects).toContainEqual({
      type: 'send_media',
      sending: { microphone: true, camera: true },
    });
  });

  test('one device that comes back does not stand for the other', () => {
    const both = advance(TALKING, UNPLUGGED, {
      type: 'device_lost',
      kind: 'microphone',
      why: 'in_use',
    });
    const session = advance(both, {
      type: 'captured',
      using: { microphone: null, camera: 'cam-1' },
    });
    expect(obstacleOf(session)).toEqual({
      name: 'device_lost',
      kind: 'microphone',
      why: 'in_use',
    });
  });
});

test('nothing is there to retry where nothing stands in the way', () => {
  for (const session of [READY, LINKED, GRANTED, TALKING]) {
    expect(reduce(session, { type: 'retry' })).toEqual([session, []]);
  }
});

test('a lost link comes before refused devices, and those before a failed connection', () => {
  const refused = advance(LOST, { type: 'capture_failed', failure: 'refused' });
  expect(obstacleOf(refused)?.name).toBe('link_lost');
  const linked = advance(READY, INVALID, { type: 'capture_failed', failure: 'refused' });
  expect(obstacleOf(linked)?.name).toBe('capture_failed');
});
