import { describe, expect, test } from 'vitest';
import { advance, found, received, TALKING, WAITING } from '../../testing/sessions';
import { keep } from './keeping';
import { NOT_KEPT } from './state';

const KEEPS = { ...TALKING, keepsChats: 30 };
const KEPT = received({
  event: 'chat_keeping',
  data: { room_id: 'first', own: true, partner: true, until: 2_000_000_000 },
});

describe('keeping a chat', () => {
  test('asks the relay, for this conversation', () => {
    const [, effects] = keep(KEEPS, true);
    expect(effects).toEqual([
      { type: 'send', message: { event: 'keep_chat', data: { room_id: 'first', keep: true } } },
    ]);
  });

  test('asks nothing that is so already, or cannot be', () => {
    expect(keep(KEEPS, false)[1]).toEqual([]);
    expect(keep(TALKING, true)[1]).toEqual([]);
    expect(keep({ ...WAITING, keepsChats: 30 }, true)[1]).toEqual([]);
  });

  test('stands as the relay says', () => {
    const session = advance(KEEPS, KEPT);
    expect(session.keeping).toEqual({
      own: true,
      partner: true,
      until: 2_000_000_000,
      failed: false,
    });
  });

  test('passes over what is said of another conversation', () => {
    const other = received({
      event: 'chat_keeping',
      data: { room_id: 'another', own: true, partner: true },
    });
    expect(advance(KEEPS, other).keeping).toEqual(NOT_KEPT);
  });

  test('begins anew with each conversation', () => {
    const session = advance(advance(KEEPS, KEPT), received(found('second')));
    expect(session.keeping).toEqual(NOT_KEPT);
  });
});
