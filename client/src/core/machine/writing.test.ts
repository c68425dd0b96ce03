import { describe, expect, test } from 'vitest';
import {
  advance,
  effectsOf,
  ended,
  error,
  FOUND,
  found,
  parted,
  received,
  says,
  step,
  TALKING,
  WAITING,
} from '../../testing/sessions';
import type { ServerMessage } from '../protocol';
import { MAX_ENTRIES } from './chat_log';
import type { SessionEvent } from './events';
import { othersOf } from './others';
import type { Session } from './state';

const TYPED: SessionEvent = { type: 'typed', empty: false };
const SAID: SessionEvent = { type: 'say', id: 'a', text: 'hi' };
const TYPING = says({ event: 'typing', data: { active: true } });
const NOT_TYPING = says({ event: 'typing', data: { active: false } });
const PAUSE = { type: 'set_timer', timer: 'typing_pause', seconds: 3 } as const;

function hears(text: string, id = '1'): SessionEvent {
  return received({ event: 'chat_message', data: { id, text } });
}

function delivered(id: string): SessionEvent {
  return received({ event: 'message_delivered', data: { id } });
}

function partnerTypes(active: boolean): ServerMessage {
  return { event: 'typing', data: { active } };
}

function lines(session: Session): string[] {
  return session.chat.map(({ from, text }) => `${from}: ${text}`);
}

function delivery(session: Session): string[] {
  return session.chat.flatMap((entry) => (entry.from === 'me' ? [entry.delivery] : []));
}

describe('the log', () => {
  test('keeps both sides in order', () => {
    expect(lines(advance(TALKING, hears('hello'), SAID))).toEqual(['partner: hello', 'me: hi']);
  });

  test('begins empty with every partner', () => {
    const session = advance(TALKING, hears('hello'), { type: 'next' }, received(FOUND));
    expect(session.chat).toEqual([]);
  });

  test('forgets its oldest entries beyond its bound', () => {
    let session = TALKING;
    for (let count = 0; count <= MAX_ENTRIES; count += 1) {
      session = advance(session, { type: 'say', id: `${count}`, text: `line ${count}` });
    }
    expect(session.chat).toHaveLength(MAX_ENTRIES);
    expect(session.chat[0]?.text).toBe('line 1');
    expect(new Set(session.chat.map((entry) => entry.number)).size).toBe(MAX_ENTRIES);
  });

  test('has a message once, however often its writer sent it', () => {
    expect(lines(advance(TALKING, hears('hello'), hears('hello')))).toEqual(['partner: hello']);
  });

  test('does not take a partner’s message for ours, whatever its id', () => {
    const session = advance(TALKING, SAID, hears('hello', 'a'), delivered('a'));
    expect(lines(session)).toEqual(['me: hi', 'partner: hello']);
    expect(session.chat[1]).not.toHaveProperty('delivery');
  });

  test('shows the server’s own fault in the server’s words', () => {
    expect(lines(advance(TALKING, error('internal')))).toEqual(['notice: A sentence.']);
  });

  test.each(['out_of_turn', 'too_many_candidates', 'slow_reader', 'rate_limited'] as const)(
    'says nothing of %s, which the person can do nothing about',
    (code) => {
      expect(step(TALKING, error(code, { refused: 'typing' }))).toEqual([TALKING, []]);
    },
  );

  test('does not show a former partner’s last words', () => {
    expect(advance(TALKING, { type: 'next' }, hears('wait!')).chat).toEqual([]);
  });

  test('does not show what belongs to another conversation than this one', () => {
    const stray = received({
      event: 'chat_message',
      data: { id: '1', text: 'for another', room_id: 'second' },
    });
    expect(step(TALKING, stray)).toEqual([TALKING, []]);
    const own = received({
      event: 'chat_message',
      data: { id: '1', text: 'for you', room_id: 'first' },
    });
    expect(lines(advance(TALKING, own))).toEqual(['partner: for you']);
  });
});

describe('a message', () => {
  test.each(['', '  ', '\u200b\u2060', '\u3164', '\u2800', '\u0301'])(
    'of nothing visible is not sent: %j',
    (text) => {
      expect(step(TALKING, { type: 'say', id: 'a', text })).toEqual([TALKING, []]);
    },
  );

  test('with half of an emoji is sent in a form that the relay can read', () => {
    expect(effectsOf(TALKING, { type: 'say', id: 'a', text: 'cut \ud83d' })[0]).toMatchObject({
      message: { data: { text: 'cut \ufffd' } },
    });
  });

  test('is sent without the space around it, and waits ten seconds for its confirmation', () => {
    const [session, effects] = step(TALKING, { type: 'say', id: 'a', text: ' hi \n' });
    expect(delivery(session)).toEqual(['sending']);
    expect(effects).toEqual([
      says({ event: 'chat_message', data: { id: 'a', text: 'hi', room_id: 'first' } }),
      { type: 'set_timer', timer: 'message a', seconds: 10 },
    ]);
  });

  test('is not sent when blank, or to nobody', () => {
    expect(step(TALKING, { type: 'say', id: 'a', text: ' \n' })).toEqual([TALKING, []]);
    expect(step(WAITING, SAID)).toEqual([WAITING, []]);
  });

  test('that is confirmed is sent, and its time running out means nothing', () => {
    const session = advance(TALKING, SAID, delivered('a'));
    expect(delivery(session)).toEqual(['sent']);
    const late: SessionEvent = { type: 'timer_ended', timer: 'message a' };
    expect(step(session, late)).toEqual([session, []]);
  });

  test('that is not confirmed in time failed', () => {
    const late: SessionEvent = { type: 'timer_ended', timer: 'message a' };
    const session = advance(TALKING, SAID, late);
    expect(delivery(session)).toEqual(['failed']);
    expect(session.chat).toMatchObject([{ why: 'unanswered' }]);
  });

  test('that is confirmed after its time was sent nonetheless', () => {
    const late: SessionEvent = { type: 'timer_ended', timer: 'message a' };
    expect(delivery(advance(TALKING, SAID, late, delivered('a')))).toEqual(['sent']);
  });

  test('that is refused failed, and the others did not', () => {
    const session = advance(
      TALKING,
      SAID,
      { type: 'say', id: 'b', text: 'there' },
      error('rate_limited', { refused: 'chat_message', id: 'b' }),
    );
    expect(delivery(session)).toEqual(['sending', 'failed']);
    expect(session.chat.at(-1)).toMatchObject({ why: 'rate_limited' });
  });

  test('that crossed with the partner’s parting failed', () => {
    const refusal = error('out_of_turn', { refused: 'chat_message', id: 'a' });
    expect(delivery(advance(TALKING, SAID, received(parted('left')), refusal))).toEqual(['failed']);
  });

  test('that failed is sent again under its own id', () => {
    const failed = advance(TALKING, SAID, { type: 'timer_ended', timer: 'message a' });
    const [session, effects] = step(failed, { type: 'say_again', id: 'a' });
    expect(delivery(session)).toEqual(['sending']);
    expect(effects).toEqual(effectsOf(TALKING, SAID));
  });

  test('is not sent again unless it failed, nor to nobody', () => {
    const said = advance(TALKING, SAID);
    expect(step(said, { type: 'say_again', id: 'a' })).toEqual([said, []]);
    const gone = advance(TALKING, SAID, { type: 'socket_lost', loss: 'closed' });
    expect(step(gone, { type: 'say_again', id: 'a' })).toEqual([gone, []]);
  });
});

describe('typing', () => {
  test('is told at once', () => {
    expect(effectsOf(TALKING, TYPED)).toEqual([
      TYPING,
      PAUSE,
      { type: 'set_timer', timer: 'typing_repeat', seconds: 3 },
    ]);
  });

  test('is not told again within three seconds, and is told again after them', () => {
    const typing = advance(TALKING, TYPED);
    expect(effectsOf(typing, TYPED)).toEqual([PAUSE]);
    const later = advance(typing, { type: 'timer_ended', timer: 'typing_repeat' });
    expect(effectsOf(later, TYPED)).toContainEqual(TYPING);
  });

  test.each([
    ['a pause', { type: 'timer_ended', timer: 'typing_pause' }],
    ['emptying the box', { type: 'typed', empty: true }],
  ] as const)('ends with %s, once', (_, event) => {
    const [session, effects] = step(advance(TALKING, TYPED), event);
    expect(effects).toEqual([NOT_TYPING]);
    expect(step(session, event)).toEqual([session, []]);
  });

  test('ends with the message', () => {
    const [session, effects] = step(advance(TALKING, TYPED), SAID);
    expect(effects.at(-1)).toEqual(NOT_TYPING);
    expect(effectsOf(session, TYPED)).toContainEqual(TYPING);
  });

  test('is told anew to the next partner, and to nobody in between', () => {
    const waiting = advance(TALKING, TYPED, { type: 'next' });
    expect(step(waiting, TYPED)).toEqual([waiting, []]);
    const paused: SessionEvent = { type: 'timer_ended', timer: 'typing_pause' };
    expect(step(waiting, paused)).toEqual([waiting, []]);
    expect(effectsOf(advance(waiting, received(found('second'))), TYPED)).toContainEqual(TYPING);
  });

  test('a repeat that is due after the pause means nothing', () => {
    const paused = advance(TALKING, TYPED, { type: 'timer_ended', timer: 'typing_pause' });
    const due: SessionEvent = { type: 'timer_ended', timer: 'typing_repeat' };
    expect(step(paused, due)).toEqual([paused, []]);
  });
});

describe('the partner’s typing', () => {
  function isTyping(session: Session): boolean {
    return othersOf(session).some(({ typing }) => typing);
  }

  const typing = advance(TALKING, received(partnerTypes(true)));

  test('shows for six seconds at most', () => {
    expect(isTyping(typing)).toBe(true);
    expect(effectsOf(TALKING, received(partnerTypes(true)))).toEqual([
      { type: 'set_timer', timer: 'partner_typing 0', seconds: 6 },
    ]);
    expect(isTyping(advance(typing, ended('partner_typing 0')))).toBe(false);
  });

  test('ends when the partner says so, and with their message', () => {
    expect(isTyping(advance(typing, received(partnerTypes(false))))).toBe(false);
    expect(isTyping(advance(typing, hears('hello')))).toBe(false);
  });

  test('of a former partner is not shown', () => {
    expect(step(WAITING, received(partnerTypes(true)))).toEqual([WAITING, []]);
    expect(isTyping(advance(typing, received(found('second'))))).toBe(false);
  });
});
