import { describe, expect, test } from 'vitest';
import {
  advance,
  CONNECTED,
  effectsOf,
  error,
  GRANTED,
  LOST,
  PARTED,
  READY,
  received,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../testing/sessions';
import { reduce } from './session';
import { FIRST_STATE, type SessionEvent } from './state';

const CUT: SessionEvent = { type: 'link_lost', loss: 'closed' };
const FULL = error('server_full', { retry_after: 30 });

test('the page begins by dialling and by asking for camera and microphone', () => {
  expect(effectsOf(FIRST_STATE, { type: 'page_opened' })).toEqual([
    { type: 'close_peer' },
    { type: 'dial' },
    { type: 'set_timer', timer: 'dialling', seconds: 10 },
    { type: 'open_capture', wanted: { microphone: null, camera: null } },
  ]);
});

describe('a lost link', () => {
  test('ends the conversation, says why, and closes the media connection', () => {
    const [session, effects] = reduce(TALKING, CUT);
    expect(session.link).toEqual({ name: 'lost', loss: 'closed', retryAfter: null });
    expect(session.phase).toEqual({ name: 'parted', reason: 'link_lost' });
    expect(session.connection).toBe('none');
    expect(effects).toEqual([
      { type: 'send_media', sending: { microphone: false, camera: false } },
      { type: 'close_peer' },
    ]);
  });

  test('fails the messages that were on their way', () => {
    const session = advance(TALKING, { type: 'say', id: '1', text: 'hi' }, CUT);
    expect(session.chat).toMatchObject([{ text: 'hi', delivery: 'failed' }]);
  });

  test('leaves whoever had no conversation where they were', () => {
    expect(advance(READY, CUT).phase).toEqual(READY.phase);
    expect(advance(PARTED, CUT).phase).toEqual(PARTED.phase);
  });

  test('that never was open means a server that cannot be reached', () => {
    expect(advance(GRANTED, CUT).link).toMatchObject({ loss: 'unreachable' });
  });

  test('that does not open within its time is given up', () => {
    const [session, effects] = reduce(GRANTED, { type: 'timer_ended', timer: 'dialling' });
    expect(session.link).toMatchObject({ name: 'lost', loss: 'unreachable' });
    expect(effects).toEqual([{ type: 'close_peer' }]);
    expect(reduce(READY, { type: 'timer_ended', timer: 'dialling' })).toEqual([READY, []]);
  });

  test.each(['server_full', 'too_many_connections'] as const)(
    'after %s keeps what the server said about it',
    (code) => {
      const told = advance(GRANTED, error(code, { retry_after: 30 }));
      expect(told.link).toEqual({ name: 'lost', loss: code, retryAfter: 30 });
      expect(reduce(told, { type: 'link_lost', loss: 'server_full' })).toEqual([told, []]);
    },
  );
});

describe('reconnecting', () => {
  test('dials anew with a new media connection', () => {
    const [session, effects] = reduce(LOST, { type: 'retry' });
    expect(session.link).toEqual({ name: 'connecting' });
    expect(effects.map(({ type }) => type)).toEqual(['close_peer', 'dial', 'set_timer']);
    expect(effectsOf(session, received(CONNECTED)).map(({ type }) => type)).toEqual(['open_peer']);
  });

  test('puts whoever was waiting back into the queue', () => {
    const again = advance(WAITING, CUT, { type: 'retry' });
    const [session, effects] = reduce(again, received(CONNECTED));
    expect(session.phase.name).toBe('waiting');
    expect(effects.at(-1)).toMatchObject({ message: { event: 'find_partner' } });
  });

  test('also whoever was made to pause', () => {
    const cooling = advance(WAITING, error('rate_limited', { refused: 'find_partner' }));
    expect(advance(cooling, CUT).phase).toEqual({ name: 'waiting', after: null });
  });

  test('leaves whoever was talking to say when they are ready', () => {
    const [session, effects] = reduce(
      advance(TALKING, CUT, { type: 'retry' }),
      received(CONNECTED),
    );
    expect(session.phase).toEqual({ name: 'parted', reason: 'link_lost' });
    expect(effects.map(({ type }) => type)).toEqual(['open_peer']);
  });

  test('tells the server again what is switched off', () => {
    const muted = advance(READY, { type: 'toggle', kind: 'microphone' }, CUT, { type: 'retry' });
    expect(effectsOf(muted, received(CONNECTED))[0]).toEqual({
      type: 'send',
      message: { event: 'media_state', data: { microphone: false, camera: true } },
    });
  });

  test('needs no media connection for text', () => {
    const again = advance(TEXT_READY, CUT, { type: 'retry' });
    expect(effectsOf(again, received(CONNECTED)).map(({ type }) => type)).toEqual(['send']);
  });

  test('works after the server was full', () => {
    expect(advance(GRANTED, FULL, { type: 'retry' }, received(CONNECTED)).link.name).toBe('open');
  });
});
