// How much the machine knows of three others at a time, each in their seat. The server pairs two; what is said to it is played
// here by what its messages lead to (session.ts).

import { describe, expect, test } from 'vitest';
import { advance, COMPANY, ended, parted, received, TALKING } from '../../testing/sessions';
import { addTheirs } from './chat_log';
import { expected, isPictureExpected, sightsIn, together } from './expected';
import { areAllAway, newcomer, othersOf, updatePartner } from './others';
import * as pairing from './pairing';
import type { Partner, Session } from './state';
import * as writing from './writing';

const BOTH = { microphone: true, camera: true };

function change(session: Session, seat: number, changes: Partial<Partner>): Session {
  return updatePartner(session, seat, changes)[0];
}

function all(session: Session, changes: Partial<Partner>): Session {
  return [0, 1, 2].reduce((before, seat) => change(before, seat, changes), session);
}

function each<Key extends keyof Partner>(session: Session, key: Key): Partner[Key][] {
  return othersOf(session).map((partner) => partner[key]);
}

describe('what is known of one of several', () => {
  test('is theirs alone', () => {
    const muted = change(COMPANY, 1, { microphone: false, playback: 'silenced' });
    expect(each(muted, 'microphone')).toEqual([true, false, true]);
    expect(each(muted, 'playback')).toEqual(['playing', 'silenced', 'playing']);
    expect(each(muted, 'seat')).toEqual([0, 1, 2]);
  });

  test('is passed over where nobody sits', () => {
    expect(updatePartner(COMPANY, 3, { camera: false })).toEqual([COMPANY, []]);
    expect(updatePartner(TALKING, 1, { camera: false })).toEqual([TALKING, []]);
  });

  test('is about the partner, where the protocol tells it', () => {
    const away = advance(COMPANY, received({ event: 'partner_reconnecting' }));
    expect(each(away, 'away')).toEqual([true, false, false]);
    const dark = received({ event: 'media_state', data: { microphone: true, camera: false } });
    expect(each(advance(COMPANY, dark), 'camera')).toEqual([false, true, true]);
  });

  test('is how the browser plays them', () => {
    const stopped = advance(COMPANY, { type: 'playback_changed', seat: 2, playback: 'stopped' });
    expect(each(stopped, 'playback')).toEqual(['playing', 'playing', 'stopped']);
  });
});

test('each of them types for as long as they do', () => {
  const [one, timers] = writing.partnerTyping(COMPANY, 1, true);
  expect(timers).toEqual([{ type: 'set_timer', timer: 'partner_typing 1', seconds: 6 }]);
  const [two] = writing.partnerTyping(one, 2, true);
  expect(each(two, 'typing')).toEqual([false, true, true]);
  expect(each(advance(two, ended('partner_typing 1')), 'typing')).toEqual([false, false, true]);
});

test('what two of them wrote under one id is two messages, and a repetition is none', () => {
  const data = { id: '7', text: 'hello' };
  const heard = [1, 2, 1].reduce((before, seat) => writing.read(before, seat, data)[0], COMPANY);
  expect(heard.chat).toMatchObject([{ seat: 1 }, { seat: 2 }]);
  expect(addTheirs(heard.chat, 2, '7', 'hello')).toBe(heard.chat);
});

describe('a picture is expected', () => {
  test('while one of them gives one', () => {
    const one = change(all(COMPANY, { camera: false }), 2, { camera: true });
    expect(expected(one)).toEqual({ roomId: 'first', medium: 'picture' });
    expect(othersOf(one).map((partner) => isPictureExpected(one, partner))).toEqual([
      false,
      false,
      true,
    ]);
    const none = change(one, 2, { unseen: true });
    expect(expected(none)).toEqual({ roomId: 'first', medium: 'sound' });
  });

  test('and seen of all of them as soon as it is of one', () => {
    const sights = sightsIn(
      COMPANY,
      new Map([
        [0, { roomId: 'first', sight: 'late' }],
        [1, { roomId: 'first', sight: 'moving' }],
        [2, { roomId: 'former', sight: 'moving' }],
      ]),
    );
    expect([...sights]).toEqual([
      [0, 'late'],
      [1, 'moving'],
    ]);
    expect(together(sights)).toBe('moving');
    expect(together(new Map([[0, 'late']]))).toBe('late');
    expect(together(new Map())).toBeNull();
  });
});

test('they are away when all of them are', () => {
  expect(areAllAway(change(COMPANY, 0, { away: true }))).toBe(false);
  expect(areAllAway(all(COMPANY, { away: true }))).toBe(true);
  expect(areAllAway(advance(COMPANY, received(parted('left'))))).toBe(false);
});

test('who went on in the room is as they were, and who left meanwhile is gone', () => {
  const before = all(COMPANY, { playback: 'silenced', typing: true, away: true });
  const room = {
    roomId: 'first',
    others: [newcomer(0, BOTH), newcomer(2, { microphone: false, camera: true })],
  };
  const [after] = pairing.resumed(before, room, false);
  expect(othersOf(after)).toEqual([
    { seat: 0, ...BOTH, typing: false, away: false, playback: 'silenced' },
    { seat: 2, microphone: false, camera: true, typing: false, away: false, playback: 'silenced' },
  ]);
});

test('the end of a conversation is that with all of them', () => {
  const over = advance(COMPANY, received(parted('left')));
  expect(over.phase).toEqual({ name: 'parted', reason: 'left' });
  expect(othersOf(over)).toEqual([]);
});
