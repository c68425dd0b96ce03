import { expect, test } from 'vitest';
import { advance, found, parted, received, TALKING, WAITING } from '../testing/sessions';
import { announcements } from './announcements';

const MUTED = received({ event: 'media_state', data: { microphone: false, camera: true } });
const DARK = received({ event: 'media_state', data: { microphone: false, camera: false } });

function writes(id: string, text: string) {
  return received({ event: 'chat_message', data: { id, text } });
}

test('what a partner turns off and on is said', () => {
  const muted = advance(TALKING, MUTED);
  expect(announcements(TALKING, muted)).toEqual(['Your partner’s microphone is off']);
  const dark = advance(muted, DARK);
  expect(announcements(muted, dark)).toEqual(['Your partner’s camera is off']);
  expect(announcements(dark, TALKING)).toEqual([
    'Your partner’s microphone is on',
    'Your partner’s camera is on',
  ]);
});

test('what a new partner has turned off is said, and what is on is not', () => {
  expect(announcements(WAITING, TALKING)).toEqual([]);
  expect(announcements(WAITING, advance(WAITING, received(found('a', true, false))))).toEqual([
    'Your partner’s camera is off',
  ]);
  // The former partner's switches say nothing of this one's.
  const before = advance(TALKING, DARK);
  expect(announcements(before, advance(before, received(found('second'))))).toEqual([]);
});

test('where no pictures are shown, a camera is no news and a microphone is', () => {
  const heard = { ...TALKING, mode: 'audio' } as const;
  expect(announcements(heard, advance(heard, DARK))).toEqual(['Your partner’s microphone is off']);
});

test('of a conversation that is over, nothing is said', () => {
  const before = advance(TALKING, DARK);
  expect(announcements(before, advance(before, received(parted('left', true))))).toEqual([]);
});

test('the partner’s messages are said once, in order, and one’s own are not', () => {
  const one = advance(TALKING, writes('1', 'hello'));
  const more = advance(one, { type: 'say', id: 'x', text: 'mine' }, writes('2', 'how are you?'));
  expect(announcements(TALKING, one)).toEqual(['Partner: hello']);
  expect(announcements(one, more)).toEqual(['Partner: how are you?']);
  expect(announcements(more, more)).toEqual([]);
  const sent = advance(more, received({ event: 'message_delivered', data: { id: 'x' } }));
  expect(announcements(more, sent)).toEqual([]);
});

test('the first words of the next partner are said although the last one wrote more', () => {
  const before = advance(TALKING, writes('1', 'a'), writes('2', 'b'));
  const after = advance(before, received(found('second')), writes('3', 'c'));
  expect(announcements(before, after)).toEqual(['Partner: c']);
});
