import { describe, expect, test } from 'vitest';
import {
  advance,
  CONNECTED,
  effectsOf,
  error,
  FOUND,
  found,
  GRANTED,
  LOOKING,
  LOST,
  PARTED,
  parted,
  READY,
  RESUMING,
  received,
  says,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../testing/sessions';
import type { Effect } from './effects';
import { PROBE_SECONDS, reduce } from './session';

const FIND = says({ event: 'find_partner', data: { mode: 'video', keep_searching: true } });
const NEXT = says({ event: 'next_partner' });
const LEAVE = says({ event: 'leave_room' });
const SILENCE: Effect = { type: 'send_media', sending: { microphone: false, camera: false } };
const COOLING = advance(
  WAITING,
  error('rate_limited', { refused: 'next_partner', retry_after: 3 }),
);
const STOPPED = advance(WAITING, { type: 'stop' });

describe('searching', () => {
  test('start asks for a partner', () => {
    const [session, effects] = reduce(READY, { type: 'start' });
    expect(session.phase).toEqual({ name: 'waiting', after: null });
    expect(effects).toEqual([FIND]);
  });

  test('start says what is shared and whether to search on', () => {
    const session = advance(TEXT_READY, { type: 'choose_keep_searching', on: false });
    expect(effectsOf(session, { type: 'start' })).toEqual([
      says({ event: 'find_partner', data: { mode: 'text', keep_searching: false } }),
    ]);
  });

  test('start means nothing once the search has begun, nor where there is no server', () => {
    for (const session of [WAITING, TALKING, PARTED, LOST]) {
      expect(reduce(session, { type: 'start' })).toEqual([session, []]);
    }
  });

  test('start before the link is open asks for a partner as soon as it is', () => {
    const [session, effects] = reduce(GRANTED, { type: 'start' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([]);
    expect(effectsOf(session, received(CONNECTED)).at(-1)).toEqual(FIND);
  });

  test('next while waiting asks again', () => {
    expect(effectsOf(WAITING, { type: 'next' })).toEqual([NEXT]);
  });

  test('next means nothing before the start', () => {
    expect(reduce(READY, { type: 'next' })).toEqual([READY, []]);
  });

  test('stop while waiting leaves the queue', () => {
    const [session, effects] = reduce(WAITING, { type: 'stop' });
    expect(session.phase.name).toBe('idle');
    expect(effects).toEqual([LEAVE]);
  });

  test('a partner ends the search, and media starts', () => {
    const [session, effects] = reduce(WAITING, received(found('first', true, false)));
    expect(session.phase).toEqual({
      name: 'talking',
      roomId: 'first',
      partner: { microphone: true, camera: false, typing: false, away: false },
    });
    expect(effects).toEqual([
      { type: 'send_media', sending: { microphone: true, camera: true } },
      { type: 'set_timer', timer: 'probe', seconds: PROBE_SECONDS },
    ]);
  });
});

describe('talking', () => {
  test('next silences media before it asks for another partner', () => {
    const [session, effects] = reduce(TALKING, { type: 'next' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([SILENCE, NEXT]);
  });

  test('stop silences media before it leaves, and forgets what was written', () => {
    const session = advance(TALKING, { type: 'say', id: '1', text: 'hi' });
    const [stopped, effects] = reduce(session, { type: 'stop' });
    expect(stopped.phase.name).toBe('idle');
    expect(stopped.chat).toEqual([]);
    expect(effects).toEqual([SILENCE, LEAVE]);
  });

  test.each(['next', 'left', 'disconnected', 'server_stopping'] as const)(
    'a partner who is gone (%s) silences media and leaves the reason',
    (reason) => {
      const [session, effects] = reduce(TALKING, received(parted(reason)));
      expect(session.phase).toEqual({ name: 'parted', reason });
      expect(effects).toEqual([SILENCE]);
    },
  );

  test('where the server searches on, the reason stays through the wait', () => {
    const [session, effects] = reduce(TALKING, received(parted('left', true)));
    expect(session.phase).toEqual({ name: 'waiting', after: 'left' });
    expect(effects).toEqual([SILENCE]);
    expect(advance(session, received(LOOKING)).phase).toEqual(session.phase);
    expect(advance(session, received(FOUND)).phase.name).toBe('talking');
  });

  test('another partner takes the place of the one there is', () => {
    const phase = advance(TALKING, received(found('second'))).phase;
    expect(phase).toMatchObject({ name: 'talking', roomId: 'second' });
  });

  test('being put back into the queue silences media', () => {
    const [session, effects] = reduce(TALKING, received(LOOKING));
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([SILENCE]);
  });

  test('the partner’s microphone and camera are known', () => {
    const message = { event: 'media_state', data: { microphone: false, camera: false } } as const;
    expect(advance(TALKING, received(message)).phase).toMatchObject({
      partner: { microphone: false, camera: false },
    });
    expect(reduce(WAITING, received(message))).toEqual([WAITING, []]);
  });
});

describe('after the partner left', () => {
  test('next searches as at the start, because the server has nobody to leave', () => {
    const [session, effects] = reduce(PARTED, { type: 'next' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([FIND]);
  });

  test('stop says nothing, because the server knows', () => {
    const [session, effects] = reduce(PARTED, { type: 'stop' });
    expect(session.phase.name).toBe('idle');
    expect(effects).toEqual([]);
  });
});

describe('messages that crossed', () => {
  test.each([
    ['a partner', FOUND],
    ['a place in the queue', LOOKING],
    ['a parting', parted('next')],
  ])('%s that was sent before the server read our leave changes nothing', (_, message) => {
    for (const session of [STOPPED, COOLING]) {
      expect(reduce(session, received(message))).toEqual([session, []]);
    }
  });

  test('a parting that crossed with our next leaves the search going', () => {
    const searching = advance(TALKING, { type: 'next' });
    expect(reduce(searching, received(parted('left')))).toEqual([searching, []]);
  });
});

describe('a search that is refused for its rate', () => {
  test('lets the partner go, and waits as long as the server says', () => {
    const searching = advance(TALKING, { type: 'next' });
    const refusal = error('rate_limited', { refused: 'next_partner', retry_after: 2.5 });
    const [session, effects] = reduce(searching, refusal);
    expect(session.phase).toEqual({ name: 'cooling', seconds: 2.5 });
    expect(effects).toEqual([LEAVE, { type: 'set_timer', timer: 'cooling', seconds: 2.5 }]);
  });

  test('waits five seconds where the server names no time', () => {
    const refusal = error('internal', { refused: 'find_partner' });
    expect(advance(WAITING, refusal).phase).toEqual({ name: 'cooling', seconds: 5 });
  });

  test('goes on by itself when the pause is over', () => {
    const [session, effects] = reduce(COOLING, { type: 'timer_ended', timer: 'cooling' });
    expect(session.phase).toEqual({ name: 'waiting', after: null });
    expect(effects).toEqual([FIND]);
  });

  test('cannot be hurried', () => {
    expect(reduce(COOLING, { type: 'next' })).toEqual([COOLING, []]);
  });

  test('can be stopped, and then does not go on', () => {
    const [stopped, effects] = reduce(COOLING, { type: 'stop' });
    expect(stopped.phase.name).toBe('idle');
    expect(effects).toEqual([]);
    expect(reduce(stopped, { type: 'timer_ended', timer: 'cooling' })).toEqual([stopped, []]);
  });

  test('is passed over when a partner was found meanwhile, or when it only crossed', () => {
    const refusal = error('rate_limited', { refused: 'next_partner' });
    expect(reduce(TALKING, refusal)).toEqual([TALKING, []]);
    const crossed = error('out_of_turn', { refused: 'find_partner' });
    expect(reduce(WAITING, crossed)).toEqual([WAITING, []]);
  });
});

test('after a lost session the next search says again what is shared', () => {
  const back = advance(RESUMING, error('resume_failed'));
  expect(effectsOf(back, { type: 'next' })).toEqual([FIND]);
});

test('a page that runs answers the server', () => {
  expect(effectsOf(TALKING, received({ event: 'ping' }))).toEqual([
    { type: 'send', message: { event: 'pong' } },
  ]);
});

describe('a partner whose connection was lost', () => {
  const away = advance(TALKING, received({ event: 'partner_reconnecting' }));

  test('is unseen where no codec is in common, until the next partner', () => {
    const message = 'No picture.';
    const data = { code: 'no_common_codec', message } as const;
    const dark = advance(TALKING, received({ event: 'error', data }));
    expect(dark.phase).toMatchObject({ name: 'talking', partner: { unseen: true } });
    const next = advance(dark, received(found('second')));
    expect(next.phase).not.toMatchObject({ partner: { unseen: true } });
  });

  test('is away, and writes no more', () => {
    const typing = advance(TALKING, received({ event: 'typing', data: { active: true } }));
    const session = advance(typing, received({ event: 'partner_reconnecting' }));
    expect(session.phase).toMatchObject({ partner: { away: true, typing: false } });
    expect(effectsOf(TALKING, received({ event: 'partner_reconnecting' }))).toEqual([]);
  });

  test('is there again when they are back, and so is the next one', () => {
    const back = advance(away, received({ event: 'partner_resumed' }));
    expect(back.phase).toMatchObject({ partner: { away: false } });
    expect(advance(away, received(found('second'))).phase).toMatchObject({
      partner: { away: false },
    });
  });

  test('can be left', () => {
    expect(effectsOf(away, { type: 'next' })).toContainEqual(NEXT);
  });
});
