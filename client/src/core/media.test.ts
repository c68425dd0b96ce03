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
const FAILED = error('connection_failed');
const GAVE_UP: SessionEvent = { type: 'connection_changed', connection: 'failed' };
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

  test('the offer and its candidates go to the server, and the answer to the connection', () => {
    const offer = { sdp: 'v=0', lines: { 0: 'microphone' } } as const;
    const candidate = { candidate: '', sdp_mid: null, sdp_m_line_index: null };
    const answer = { event: 'webrtc_answer', data: { sdp: 'v=0' } } as const;
    expect(effectsOf(READY, { type: 'offered', offer })).toEqual([
      says({ event: 'webrtc_offer', data: offer }),
    ]);
    expect(effectsOf(READY, { type: 'gathered', candidate })).toEqual([
      says({ event: 'webrtc_ice_candidate', data: candidate }),
    ]);
    expect(effectsOf(READY, received(answer))).toEqual([{ type: 'accept_answer', sdp: 'v=0' }]);
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

  test('going back from text dials anew, because the link took its one offer', () => {
    const back = advance(TEXT_READY, { type: 'choose_mode', mode: 'video' });
    expect(types(back, { type: 'captured', using: USING })).toEqual([
      'close_peer',
      'dial',
      'set_timer',
    ]);
  });

  test('going back from text offers at once where the server allows another offer', () => {
    const allowed = advance(TEXT_READY, FAILED, { type: 'choose_mode', mode: 'video' });
    expect(effectsOf(allowed, { type: 'captured', using: USING })).toEqual([OPEN_PEER]);
  });

  test('in text mode a failed media connection is no one’s business', () => {
    expect(obstacleOf(advance(TEXT_READY, FAILED))).toBeNull();
    expect(effectsOf(TEXT_READY, FAILED)).toEqual([]);
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

describe('the media connection', () => {
  test('is made anew once when the server says that it failed', () => {
    const [session, effects] = reduce(READY, FAILED);
    expect(session.connection).toBe('new');
    expect(effects).toEqual([OPEN_PEER]);
  });

  test('that fails again is given up, until the person asks for another', () => {
    const [session, effects] = reduce(advance(TALKING, FAILED), FAILED);
    expect(obstacleOf(session)).toEqual({ name: 'connection_failed' });
    expect(effects).toEqual([{ type: 'close_peer' }]);
    expect(effectsOf(session, { type: 'retry' })).toEqual([OPEN_PEER]);
  });

  test('that worked in between has another try', () => {
    const worked = advance(READY, FAILED, { type: 'connection_changed', connection: 'connected' });
    expect(effectsOf(worked, FAILED)).toEqual([OPEN_PEER]);
  });

  test('that only the browser gave up waits for the server’s word', () => {
    const [session, effects] = reduce(READY, GAVE_UP);
    expect(session.connection).toBe('failed');
    expect(effects).toEqual([]);
    expect(effectsOf(session, FAILED)).toEqual([OPEN_PEER]);
  });

  test('that only the browser gave up is retried on a new link, but not at a partner’s cost', () => {
    expect(types(advance(READY, GAVE_UP), { type: 'retry' })).toEqual([
      'close_peer',
      'dial',
      'set_timer',
    ]);
    const talking = advance(TALKING, GAVE_UP);
    expect(reduce(talking, { type: 'retry' })).toEqual([talking, []]);
  });

  test.each([
    ['invalid', error('invalid_offer')],
    ['too frequent', error('rate_limited', { refused: 'webrtc_offer' })],
  ])('whose offer is %s is given up', (_, refusal) => {
    const [session, effects] = reduce(READY, refusal);
    expect(session.connection).toBe('failed');
    expect(effects).toEqual([{ type: 'close_peer' }]);
  });

  test('whose offer crossed with the server’s word goes on', () => {
    expect(reduce(READY, error('out_of_turn', { refused: 'webrtc_offer' }))).toEqual([READY, []]);
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
  const linked = advance(READY, GAVE_UP, { type: 'capture_failed', failure: 'refused' });
  expect(obstacleOf(linked)?.name).toBe('capture_failed');
});
