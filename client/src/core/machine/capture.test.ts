import { describe, expect, test } from 'vitest';
import {
  ALLOWED,
  advance,
  CONNECTED,
  captured,
  effectsOf,
  FOUND,
  GRANTED,
  LOST,
  OPENED,
  PAGE_OPENED,
  permitted,
  READY,
  received,
  SOCKET_OPEN,
  says,
  step,
  TALKING,
  TEXT_READY,
  USING,
  WAITING,
} from '../../testing/sessions';
import type { Captured, DeviceKind } from './devices';
import type { SessionEvent } from './events';
import { maySearch, obstacleOf } from './obstacle';
import { FIRST_STATE, type Session } from './state';

const OPEN_PEER = { type: 'open_peer', iceServers: [{ urls: ['stun:relay.test'] }] } as const;
const UNPLUGGED: SessionEvent = { type: 'device_ended', kind: 'camera' };
const NOTHING = { microphone: null, camera: null };
/** The browser asks, as the person pressed Start. */
const ASKED = advance(SOCKET_OPEN, { type: 'start' });

const REFUSED = { microphone: 'refused', camera: 'refused' } as const;
const SWITCH = { type: 'switch_device', kind: 'camera', id: null } as const;
const FIND = says({ event: 'find_partner', data: { mode: 'video', keep_searching: true } });
const ALLOWED_AND_LINKED = advance(ALLOWED, received(CONNECTED));

function mute(kind: DeviceKind, muted: boolean): SessionEvent {
  return { type: 'device_muted', kind, muted };
}

function types(session: Session, event: SessionEvent): string[] {
  return effectsOf(session, event).map(({ type }) => type);
}

describe('getting ready', () => {
  test('the media connection is opened when the devices come last', () => {
    expect(effectsOf(ALLOWED_AND_LINKED, captured(USING))).toEqual([OPEN_PEER]);
  });

  test('the media connection is opened when the socket comes last', () => {
    expect(effectsOf(GRANTED, received(CONNECTED))).toEqual([OPEN_PEER]);
  });

  test('the person may start at any time: with a socket, with devices, with both', () => {
    expect([SOCKET_OPEN, GRANTED, READY].map(maySearch)).toEqual([true, true, true]);
  });

  test('nobody is asked for a camera before they press Start', () => {
    expect(effectsOf(FIRST_STATE, PAGE_OPENED).map(({ type }) => type)).not.toContain(
      'open_capture',
    );
    const [asked, effects] = step(SOCKET_OPEN, { type: 'start' });
    expect(effects).toEqual([{ type: 'open_capture', wanted: NOTHING }]);
    expect(asked.phase.name).toBe('idle');
    expect(obstacleOf(asked)).toEqual({ name: 'asking', prompting: true });
    expect(step(asked, { type: 'start' })).toEqual([asked, []]);
    expect(effectsOf(asked, captured(USING))).toContainEqual(FIND);
  });

  test('who allowed both before sees themselves at once', () => {
    const one = advance(OPENED, permitted('camera'));
    expect(one.capture.name).toBe('closed');
    expect(types(one, permitted('microphone'))).toEqual(['open_capture']);
    const opening = advance(one, permitted('microphone'));
    expect(obstacleOf(opening)).toEqual({ name: 'asking', prompting: false });
    expect(advance(opening, { type: 'start' }).starting).toBe(true);
  });

  test('text asks for nothing', () => {
    const text = advance(SOCKET_OPEN, { type: 'choose_mode', mode: 'text' });
    expect(effectsOf(text, { type: 'start' })).toEqual([
      says({ event: 'find_partner', data: { mode: 'text', keep_searching: true } }),
    ]);
  });

  test('another choice while the browser asks is no start', () => {
    const [audio, effects] = step(ASKED, { type: 'choose_mode', mode: 'audio' });
    expect(audio).toMatchObject({ starting: false, capture: { name: 'closed' } });
    expect(effects).toContainEqual({ type: 'close_capture' });
  });

  test.each([
    [{ microphone: 'mic-1', camera: null }, { camera: 'none' }],
    [{ microphone: null, camera: 'cam-1' }, { microphone: 'in_use' }],
  ] as const)('one that is missing keeps nobody out: %j', (using, failures) => {
    const [session, effects] = step(ASKED, captured(using, failures));
    expect(session.phase.name).toBe('waiting');
    expect(effects).toContainEqual(OPEN_PEER);
    expect(effects).toContainEqual(FIND);
    expect(effects).toContainEqual(
      says({
        event: 'media_state',
        data: { microphone: using.microphone !== null, camera: using.camera !== null },
      }),
    );
    expect(obstacleOf(session)).toBeNull();
    expect(obstacleOf(advance(session, { type: 'stop' }))).toEqual({
      name: 'capture_failed',
      failures,
    });
  });

  test('who has neither is told first, and may start all the same', () => {
    const none = advance(ASKED, captured(NOTHING, { microphone: 'none', camera: 'none' }));
    expect(none.phase.name).toBe('idle');
    expect(obstacleOf(none)?.name).toBe('capture_failed');
    expect(types(none, { type: 'start' })).toEqual(['send']);
  });

  test('an insecure page says so before anything is pressed', () => {
    const able = { calls: true, devices: false };
    expect(types(FIRST_STATE, { type: 'page_opened', able })).toContain('open_capture');
  });

  test('refused devices leave their reason, and a way to ask again', () => {
    const session = advance(ASKED, captured(NOTHING, REFUSED));
    expect(obstacleOf(session)).toEqual({ name: 'capture_failed', failures: REFUSED });
    const [asking, effects] = step(session, { type: 'retry' });
    expect(asking.capture.name).toBe('asking');
    expect(effects.filter(({ type }) => type !== 'send')).toEqual([
      { type: 'open_capture', wanted: { microphone: null, camera: null } },
    ]);
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
    const [session, effects] = step(READY, { type: 'choose_mode', mode: 'audio' });
    expect(effects).toEqual([
      says({ event: 'media_state', data: { microphone: true, camera: false } }),
      { type: 'open_capture', wanted: { microphone: null } },
    ]);
    expect(session.capture.name).toBe('asking');
    expect(types(session, captured({ microphone: 'm', camera: null }))).toEqual([]);
  });

  test('audio sends no camera', () => {
    const audio = advance(
      READY,
      { type: 'choose_mode', mode: 'audio' },
      captured({ microphone: 'm', camera: null }),
      { type: 'start' },
    );
    expect(effectsOf(audio, received(FOUND))).toEqual([
      { type: 'send_media', sending: { microphone: true, camera: false } },
    ]);
  });

  test('text closes devices and media connection, and is ready at once', () => {
    const [session, effects] = step(READY, { type: 'choose_mode', mode: 'text' });
    expect(effects).toEqual([
      says({ event: 'media_state', data: { microphone: false, camera: false } }),
      { type: 'close_peer' },
      { type: 'close_capture' },
    ]);
    expect(maySearch(session)).toBe(true);
    expect(effectsOf(advance(session, { type: 'start' }), received(FOUND))).toEqual([]);
  });

  test('text is a way on from refused devices', () => {
    const refused = advance(ASKED, captured(NOTHING, REFUSED));
    expect(maySearch(advance(refused, { type: 'choose_mode', mode: 'text' }))).toBe(true);
  });

  test('stays what it is outside the landing page, and when it is chosen again', () => {
    for (const session of [WAITING, TALKING]) {
      expect(step(session, { type: 'choose_mode', mode: 'text' })).toEqual([session, []]);
    }
    expect(step(READY, { type: 'choose_mode', mode: 'video' })).toEqual([READY, []]);
  });

  test('going back from text opens another media connection', () => {
    const back = advance(TEXT_READY, { type: 'choose_mode', mode: 'video' });
    expect(effectsOf(back, captured(USING))).toEqual([OPEN_PEER]);
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
    const [session, effects] = step(TALKING, picking);
    expect(effects).toEqual([{ type: 'switch_device', kind: 'camera', id: 'cam-2' }]);
    const later = advance(session, { type: 'stop' }, { type: 'choose_mode', mode: 'audio' });
    expect(effectsOf(later, { type: 'choose_mode', mode: 'video' })).toContainEqual({
      type: 'open_capture',
      wanted: { microphone: null, camera: 'cam-2' },
    });
  });

  test('picked before they are opened are opened with the rest', () => {
    const picking: SessionEvent = { type: 'choose_device', kind: 'camera', id: 'cam-2' };
    const [picked, effects] = step(SOCKET_OPEN, picking);
    expect(effects).toEqual([]);
    expect(step(picked, { type: 'start' })[1]).toContainEqual({
      type: 'open_capture',
      wanted: { microphone: null, camera: 'cam-2' },
    });
  });

  test('their list is kept', () => {
    const devices = { microphone: [], camera: [{ id: 'cam-2', label: 'Desk' }] };
    expect(advance(READY, { type: 'devices_listed', devices }).devices).toBe(devices);
  });

  test('an unplugged camera is noticed, told, and no longer sent', () => {
    const [session, effects] = step(TALKING, UNPLUGGED);
    expect(obstacleOf(session)).toEqual({ name: 'device_lost', kinds: ['camera'], why: 'ended' });
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
    const [session, effects] = step(unplugged, captured(USING));
    expect(obstacleOf(session)).toBeNull();
    expect(effects).toContainEqual({
      type: 'send_media',
      sending: { microphone: true, camera: true },
    });
  });

  test('one device that comes back does not stand for the other', () => {
    const both = advance(TALKING, UNPLUGGED, captured(NOTHING, { microphone: 'in_use' }));
    const session = advance(both, captured({ microphone: null, camera: 'cam-1' }));
    expect(obstacleOf(session)).toEqual({
      name: 'device_lost',
      kinds: ['microphone'],
      why: 'in_use',
    });
  });
});

test('nothing is there to retry where nothing stands in the way', () => {
  for (const session of [READY, SOCKET_OPEN, GRANTED, TALKING]) {
    expect(step(session, { type: 'retry' })).toEqual([session, []]);
  }
});

test('a lost socket comes before refused devices', () => {
  const refused = advance(LOST, { type: 'retry' }, captured(NOTHING, REFUSED));
  expect(obstacleOf(advance(LOST, captured(NOTHING, REFUSED)))?.name).toBe('socket_lost');
  expect(refused.socket.name).toBe('connecting');
});

describe('what the system and the person change', () => {
  test('a muted microphone is off for both, until it is unmuted', () => {
    const [muted, effects] = step(TALKING, mute('microphone', true));
    expect(effects).toEqual([
      { type: 'send_media', sending: { microphone: false, camera: true } },
      says({ event: 'media_state', data: { microphone: false, camera: true } }),
    ]);
    expect(obstacleOf(muted)).toEqual({ name: 'device_muted', kinds: ['microphone'] });
    const [back, restored] = step(muted, mute('microphone', false));
    expect(obstacleOf(back)).toBeNull();
    expect(restored).toContainEqual(
      says({ event: 'media_state', data: { microphone: true, camera: true } }),
    );
  });

  test('a muted microphone that the person muted too is nothing new', () => {
    const off = advance(TALKING, { type: 'toggle', kind: 'microphone' });
    expect(obstacleOf(advance(off, mute('microphone', true)))).toBeNull();
  });

  test('a permission that is taken away is what ended the device, whichever is told first', () => {
    const why = { name: 'device_lost', kinds: ['camera'], why: 'refused' };
    expect(obstacleOf(advance(TALKING, permitted('camera', 'denied'), UNPLUGGED))).toEqual(why);
    expect(obstacleOf(advance(TALKING, UNPLUGGED, permitted('camera', 'denied')))).toEqual(why);
  });

  test('a permission that is given opens what was refused, without a press', () => {
    const refused = advance(
      ASKED,
      captured({ microphone: 'mic-1', camera: null }, { camera: 'refused' }),
    );
    expect(effectsOf(refused, permitted('camera'))).toContainEqual(SWITCH);
    const heard = advance(refused, permitted('camera'), captured(USING));
    expect(obstacleOf(heard)).toBeNull();
  });

  test('a camera that is plugged in takes the place of one that is missing', () => {
    const devices = { microphone: [], camera: [{ id: 'cam-2', label: 'Desk' }] };
    const unplugged = advance(TALKING, UNPLUGGED);
    expect(effectsOf(unplugged, { type: 'devices_listed', devices })).toEqual([
      { type: 'switch_device', kind: 'camera', id: 'cam-2' },
    ]);
    const known = advance(unplugged, { type: 'devices_listed', devices });
    expect(effectsOf(known, { type: 'devices_listed', devices })).toEqual([]);
    expect(effectsOf(TALKING, { type: 'devices_listed', devices })).toEqual([]);
  });

  test('a device that still cannot be opened is as absent as before', () => {
    const busy = advance(
      ASKED,
      captured({ microphone: 'mic-1', camera: null }, { camera: 'in_use' }),
    );
    const tried = advance(
      busy,
      captured({ microphone: 'mic-1', camera: null }, { camera: 'in_use' }),
    );
    expect(tried.capture).toMatchObject({ absent: { camera: 'in_use' }, lost: NOTHING });
    const chosen = advance(
      busy,
      { type: 'choose_device', kind: 'camera', id: 'cam-2' },
      captured({ microphone: 'mic-1', camera: null }, { camera: 'in_use' }),
    );
    expect(obstacleOf(chosen)).toEqual({ name: 'device_lost', kinds: ['camera'], why: 'in_use' });
  });

  test('that another try changed nothing is known, until something changes', () => {
    const retried = (session: Session, failures: Captured['failures']) =>
      obstacleOf(advance(session, { type: 'retry' }, captured(NOTHING, failures)));
    const session = advance(ASKED, captured(NOTHING, REFUSED));
    expect(retried(session, REFUSED)).toMatchObject({ failures: REFUSED, still: true });
    const free = { microphone: 'refused', camera: 'in_use' } as const;
    expect(retried(session, free)).toEqual({ name: 'capture_failed', failures: free });
    const lost = { microphone: 'mic-1', camera: null };
    const taken = advance(TALKING, permitted('camera', 'denied'), UNPLUGGED);
    const again = advance(taken, { type: 'retry' }, captured(lost, { camera: 'refused' }));
    expect(obstacleOf(again)).toMatchObject({ why: 'refused', still: true });
    // Another microphone says nothing of the camera, and a camera that was there in between begins anew.
    expect(obstacleOf(advance(again, captured(lost)))).toMatchObject({ still: true });
    expect(obstacleOf(advance(again, captured(USING), UNPLUGGED))).toEqual(obstacleOf(taken));
  });

  test('a try of its own that fails is no news', () => {
    const without = captured({ microphone: 'mic-1', camera: null }, { camera: 'none' });
    expect(obstacleOf(advance(ASKED, without, without, { type: 'stop' }))).toEqual({
      name: 'capture_failed',
      failures: { camera: 'none' },
    });
  });

  test('is asked for by the person where the browser would ask them', () => {
    const devices = { microphone: [], camera: [{ id: 'cam-2', label: 'Desk' }] };
    const asking = advance(TALKING, permitted('camera', 'prompt'), UNPLUGGED);
    expect(effectsOf(asking, { type: 'devices_listed', devices })).toEqual([]);
  });

  test('a microphone that went is opened again after a moment, and no camera', () => {
    const ended = { type: 'device_ended', kind: 'microphone' } as const;
    const [gone, effects] = step(TALKING, ended);
    expect(effects).toContainEqual({ type: 'set_timer', timer: 'reopen', seconds: 1 });
    expect(effectsOf(gone, { type: 'timer_ended', timer: 'reopen' })).toEqual([
      { type: 'switch_device', kind: 'microphone', id: null },
    ]);
    expect(effectsOf(TALKING, { type: 'timer_ended', timer: 'reopen' })).toEqual([]);
    expect(effectsOf(TALKING, UNPLUGGED).map(({ type }) => type)).not.toContain('set_timer');
  });

  test('what ended while the page was not looked at is opened again when it is', () => {
    expect(effectsOf(advance(TALKING, UNPLUGGED), { type: 'page_woke' })).toContainEqual(SWITCH);
  });
});
