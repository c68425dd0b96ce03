import { describe, expect, test } from 'vitest';
import {
  advance,
  ended,
  found,
  parted,
  received,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../../testing/sessions';
import { HUSH_SECONDS } from './consequences';
import type { Effect } from './effects';
import type { SessionEvent } from './events';
import { othersOf } from './others';
import { reduce } from './session';
import type { Session } from './state';

const HUSH: Effect = { type: 'set_timer', timer: 'hush', seconds: HUSH_SECONDS };

function playing(session: Session, event: SessionEvent): Effect[] {
  return reduce(session, event)[1].filter(
    (effect) =>
      effect.type === 'hear' ||
      effect.type === 'play' ||
      (effect.type === 'set_timer' && effect.timer === 'hush'),
  );
}

describe('the partner’s sound', () => {
  test('is there from the first moment of the first conversation', () => {
    expect(playing(WAITING, received(found('one')))).toEqual([
      { type: 'hear', on: true },
      { type: 'play', on: true },
    ]);
  });

  test.each<[string, SessionEvent]>([
    ['the partner leaves', received(parted('left', true))],
    ['one goes on', { type: 'next' }],
    ['one stops', { type: 'stop' }],
  ])('ends at once when %s', (_, event) => {
    expect(playing(TALKING, event)).toEqual([
      HUSH,
      { type: 'hear', on: false },
      { type: 'play', on: false },
    ]);
  });

  test('of the next partner begins when that of the last is over', () => {
    const next = advance(TALKING, { type: 'next' });
    expect(playing(next, received(found('second')))).toEqual([{ type: 'play', on: true }]);
    const talking = advance(next, received(found('second')));
    expect(playing(talking, ended('hush'))).toEqual([{ type: 'hear', on: true }]);
  });

  test('stays hushed until a partner comes', () => {
    const waiting = advance(TALKING, { type: 'next' });
    expect(playing(waiting, ended('hush'))).toEqual([]);
    expect(playing(advance(waiting, ended('hush')), received(found('second')))).toContainEqual({
      type: 'hear',
      on: true,
    });
  });

  test('is not waited for in text', () => {
    const waiting = advance(TEXT_READY, { type: 'start' });
    expect(playing(waiting, received(found('one')))).toEqual([]);
  });
});

test('how it is played is known anew with each partner', () => {
  const stopped = advance(TALKING, { type: 'playback_changed', seat: 0, playback: 'stopped' });
  expect(othersOf(stopped)).toMatchObject([{ playback: 'stopped' }]);
  const next = advance(stopped, { type: 'next' }, received(found('second')));
  expect(othersOf(next)).toMatchObject([{ playback: 'playing' }]);
  expect(reduce(stopped, { type: 'play' })[1]).toEqual([{ type: 'play_as_pressed' }]);
});
