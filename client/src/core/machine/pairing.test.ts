import { describe, expect, test } from 'vitest';
import {
  advance,
  CONNECTED,
  CUT,
  effectsOf,
  ended,
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
  step,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../../testing/sessions';
import { PROBE_SECONDS } from './consequences';
import type { Effect } from './effects';
import type { SessionEvent } from './events';
import { reduce } from './session';

const FIND = says({ event: 'find_partner', data: { mode: 'video', keep_searching: true } });
const NEXT = says({ event: 'next_partner' });
const LEAVE = says({ event: 'leave_room' });
const SILENCE: Effect = { type: 'send_media', sending: { microphone: false, camera: false } };
const COOLING = advance(
  WAITING,
  error('rate_limited', { refused: 'next_partner', retry_after: 3 }),
);
const STOPPED = advance(WAITING, { type: 'stop' });

test('the relay is told what the tabs of this browser have in common, once they agreed', () => {
  const agreed = advance(READY, { type: 'tabs_agreed', browser: 'b1' });
  expect(effectsOf(agreed, { type: 'start' })).toContainEqual(
    says({
      event: 'find_partner',
      data: { mode: 'video', keep_searching: true, browser: 'b1' },
    }),
  );
});

test('that another tab waits is known as long as the relay says so', () => {
  const waiting = (own_tab: boolean) =>
    received({ event: 'waiting_for_partner', data: own_tab ? { own_tab } : {} });
  const beside = advance(TALKING, received(parted('left', true)), waiting(true));
  expect(beside.phase).toEqual({ name: 'waiting', after: 'left', ownTab: true });
  expect(advance(beside, waiting(false)).phase).toEqual({ name: 'waiting', after: 'left' });
  expect(advance(beside, received(FOUND), received(parted('left', true))).phase).toEqual({
    name: 'waiting',
    after: 'left',
  });
});

describe('searching', () => {
  test('start asks for a partner', () => {
    const [session, effects] = step(READY, { type: 'start' });
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
      expect(step(session, { type: 'start' })).toEqual([session, []]);
    }
  });

  test('start before the socket is open asks for a partner as soon as it is', () => {
    const [session, effects] = step(GRANTED, { type: 'start' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([]);
    expect(effectsOf(session, received(CONNECTED)).at(-1)).toEqual(FIND);
  });

  test('next while waiting means nothing: there is nobody to go on from', () => {
    expect(step(WAITING, { type: 'next' })).toEqual([WAITING, []]);
    expect(step(WAITING, { type: 'escape' })).toEqual([WAITING, []]);
  });

  test('next means nothing before the start', () => {
    expect(step(READY, { type: 'next' })).toEqual([READY, []]);
  });

  test('stop while waiting leaves the queue', () => {
    const [session, effects] = step(WAITING, { type: 'stop' });
    expect(session.phase.name).toBe('idle');
    expect(effects).toEqual([LEAVE]);
  });

  test('a partner ends the search, and media starts', () => {
    const [session, effects] = step(WAITING, received(found('first', true, false)));
    expect(session.phase).toEqual({
      name: 'talking',
      roomId: 'first',
      others: [
        {
          seat: 0,
          microphone: true,
          camera: false,
          typing: false,
          away: false,
          playback: 'playing',
        },
      ],
    });
    expect(effects).toEqual([
      { type: 'send_media', sending: { microphone: true, camera: true } },
      { type: 'set_timer', timer: 'probe', seconds: PROBE_SECONDS },
    ]);
  });
});

describe('talking', () => {
  test('next silences media before it asks for another partner', () => {
    const [session, effects] = step(TALKING, { type: 'next' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([SILENCE, NEXT, { type: 'set_timer', timer: 'back', seconds: 5 }]);
  });

  test('stop silences media before it leaves, and forgets what was written', () => {
    const session = advance(TALKING, { type: 'say', id: '1', text: 'hi' });
    const [stopped, effects] = step(session, { type: 'stop' });
    expect(stopped.phase.name).toBe('idle');
    expect(stopped.chat).toEqual([]);
    expect(effects).toEqual([SILENCE, LEAVE]);
  });

  test.each(['next', 'left', 'disconnected', 'operator', 'server_stopping'] as const)(
    'a partner who is gone (%s) silences media and leaves the reason',
    (reason) => {
      const [session, effects] = step(TALKING, received(parted(reason)));
      expect(session.phase).toEqual({ name: 'parted', reason });
      expect(effects).toEqual([SILENCE]);
    },
  );

  test('where the server searches on, the reason stays through the wait', () => {
    const [session, effects] = step(TALKING, received(parted('left', true)));
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
    const [session, effects] = step(TALKING, received(LOOKING));
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([SILENCE]);
  });

  test('the partner’s microphone and camera are known', () => {
    const message = { event: 'media_state', data: { microphone: false, camera: false } } as const;
    expect(advance(TALKING, received(message)).phase).toMatchObject({
      others: [{ microphone: false, camera: false }],
    });
    expect(step(WAITING, received(message))).toEqual([WAITING, []]);
  });
});

describe('after the partner left', () => {
  test('next searches as at the start, because the server has nobody to leave', () => {
    const [session, effects] = step(PARTED, { type: 'next' });
    expect(session.phase.name).toBe('waiting');
    expect(effects).toEqual([FIND]);
  });

  test('stop says nothing, because the server knows', () => {
    const [session, effects] = step(PARTED, { type: 'stop' });
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
      expect(step(session, received(message))).toEqual([session, []]);
    }
  });

  test('a parting that crossed with our next leaves the search going', () => {
    const searching = advance(TALKING, { type: 'next' });
    expect(step(searching, received(parted('left')))).toEqual([searching, []]);
  });
});

describe('a search that is refused for its rate', () => {
  test('lets the partner go, and waits as long as the server says', () => {
    const searching = advance(TALKING, { type: 'next' });
    const refusal = error('rate_limited', { refused: 'next_partner', retry_after: 2.5 });
    const [session, effects] = step(searching, refusal);
    expect(session.phase).toEqual({ name: 'cooling', seconds: 2.5 });
    expect(effects).toEqual([LEAVE, { type: 'set_timer', timer: 'cooling', seconds: 2.5 }]);
  });

  test('waits five seconds where the server names no time', () => {
    const refusal = error('internal', { refused: 'find_partner' });
    expect(advance(WAITING, refusal).phase).toEqual({ name: 'cooling', seconds: 5 });
  });

  test('goes on by itself when the pause is over', () => {
    const [session, effects] = step(COOLING, { type: 'timer_ended', timer: 'cooling' });
    expect(session.phase).toEqual({ name: 'waiting', after: null });
    expect(effects).toEqual([FIND]);
  });

  test('cannot be hurried', () => {
    expect(step(COOLING, { type: 'next' })).toEqual([COOLING, []]);
  });

  test('can be stopped, and then does not go on', () => {
    const [stopped, effects] = step(COOLING, { type: 'stop' });
    expect(stopped.phase.name).toBe('idle');
    expect(effects).toEqual([]);
    expect(step(stopped, { type: 'timer_ended', timer: 'cooling' })).toEqual([stopped, []]);
  });

  test('is passed over when a partner was found meanwhile, or when it only crossed', () => {
    const refusal = error('rate_limited', { refused: 'next_partner' });
    expect(step(TALKING, refusal)).toEqual([TALKING, []]);
    const crossed = error('out_of_turn', { refused: 'find_partner' });
    expect(step(WAITING, crossed)).toEqual([WAITING, []]);
  });
});

describe('after a lost session', () => {
  test('the search goes on by itself, and says again what is shared', () => {
    expect(effectsOf(RESUMING, error('resume_failed'))).toContainEqual(FIND);
    const crashed = advance(TALKING, CUT, ended('resume_window'));
    expect(effectsOf(crashed, received(CONNECTED))).toContainEqual(FIND);
  });

  test('who does not search on by themselves is asked', () => {
    const asked = advance(
      RESUMING,
      { type: 'choose_keep_searching', on: false },
      error('resume_failed'),
    );
    expect(asked.phase).toEqual({ name: 'parted', reason: 'socket_lost' });
    expect(effectsOf(advance(asked, ended('guard')), { type: 'next' })).toHaveLength(1);
  });

  test('that goes on in another window it does not go on in this one', () => {
    const superseded = advance(TALKING, { type: 'socket_lost', loss: 'superseded' });
    expect(superseded.phase).toEqual({ name: 'parted', reason: 'socket_lost' });
  });
});

describe('nobody is lost by accident', () => {
  const found2 = received(found('second'));

  test('a double press skips one person, and the next is seen', () => {
    const once = advance(TALKING, { type: 'next' }, found2);
    expect(step(once, { type: 'next' })).toEqual([once, []]);
    expect(effectsOf(advance(once, ended('guard')), { type: 'next' })).toContainEqual(NEXT);
  });

  test('a press that was meant for Start is none for Next', () => {
    const started = advance(READY, { type: 'start' }, received(FOUND));
    expect(step(started, { type: 'next' })).toEqual([started, []]);
  });

  test('the guard lasts for 0.7 s from each pairing', () => {
    const guard = { type: 'set_timer', timer: 'guard', seconds: 0.7 };
    expect(reduce(WAITING, received(FOUND))[1]).toContainEqual(guard);
    expect(reduce(TALKING, { type: 'next' })[1]).toContainEqual(guard);
    expect(reduce(READY, { type: 'start' })[1]).toContainEqual(guard);
  });

  test('Escape asks first, and goes on when it is pressed again within three seconds', () => {
    const [asked, effects] = step(TALKING, { type: 'escape' });
    expect(asked).toEqual({ ...TALKING, unsure: true });
    expect(effects).toEqual([{ type: 'set_timer', timer: 'doubt', seconds: 3 }]);
    expect(effectsOf(asked, { type: 'escape' })).toContainEqual(NEXT);
    expect(advance(asked, ended('doubt'))).toEqual(TALKING);
  });

  test('the question is about the partner there was', () => {
    const another = advance(TALKING, { type: 'escape' }, received(parted('left', true)), found2);
    expect(another.unsure).toBe(false);
  });

  test('Escape goes on at once where nobody is there to be lost', () => {
    expect(effectsOf(PARTED, { type: 'escape' })).toContainEqual(FIND);
  });
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
    expect(dark.phase).toMatchObject({ name: 'talking', others: [{ unseen: true }] });
    const next = advance(dark, received(found('second')));
    expect(next.phase).not.toMatchObject({ others: [{ unseen: true }] });
  });

  test('is away, and writes no more', () => {
    const typing = advance(TALKING, received({ event: 'typing', data: { active: true } }));
    const session = advance(typing, received({ event: 'partner_reconnecting' }));
    expect(session.phase).toMatchObject({ others: [{ away: true, typing: false }] });
    expect(effectsOf(TALKING, received({ event: 'partner_reconnecting' }))).toEqual([]);
  });

  test('is there again when they are back, and so is the next one', () => {
    const back = advance(away, received({ event: 'partner_resumed' }));
    expect(back.phase).toMatchObject({ others: [{ away: false }] });
    expect(advance(away, received(found('second'))).phase).toMatchObject({
      others: [{ away: false }],
    });
  });

  test('can be left', () => {
    expect(effectsOf(away, { type: 'next' })).toContainEqual(NEXT);
  });
});

describe('the way back after a Next', () => {
  const ASKED = received({ event: 'back_asked', data: { room_id: 'first' } });
  const SAY_BACK = says({ event: 'back', data: { room_id: 'first' } });
  const skipped = advance(TALKING, { type: 'next' }, received(LOOKING));
  const FIVE_SECONDS = { type: 'set_timer', timer: 'back', seconds: 5 };

  test('is open for five seconds, and asks the partner once', () => {
    expect(skipped.back).toEqual({ roomId: 'first', step: 'open' });
    expect(reduce(TALKING, { type: 'next' })[1]).toContainEqual(FIVE_SECONDS);
    const [asked, effects] = step(skipped, { type: 'back' });
    expect(effects).toEqual([SAY_BACK, FIVE_SECONDS]);
    expect(step(asked, { type: 'back' })).toEqual([asked, []]);
    expect(advance(skipped, ended('back')).back).toBeNull();
    expect(step(advance(skipped, ended('back')), { type: 'back' })[1]).toEqual([]);
  });

  test('is agreed to by the partner, whether they search on or not', () => {
    for (const searching of [true, false]) {
      const left = advance(TALKING, received(parted('next', searching)));
      expect(left.back).toBeNull();
      const wished = advance(left, ASKED);
      expect(wished.back).toEqual({ roomId: 'first', step: 'wished' });
      expect(effectsOf(wished, { type: 'back' })).toEqual([SAY_BACK, FIVE_SECONDS]);
    }
  });

  test.each<[string, SessionEvent]>([
    ['somebody is found', received(found('second'))],
    ['one stops', { type: 'stop' }],
    ['the server knows of none', error('out_of_turn', { refused: 'back' })],
  ])('is over when %s', (_, event) => {
    expect(advance(skipped, event).back).toBeNull();
    expect(advance(skipped, { type: 'back' }, event).back).toBeNull();
  });

  test('is nobody’s business on the landing page or in a conversation', () => {
    for (const session of [READY, TALKING]) expect(step(session, ASKED)).toEqual([session, []]);
  });
});
