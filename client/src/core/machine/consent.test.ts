import { describe, expect, test } from 'vitest';
import {
  ASKED,
  advance,
  asks,
  CONNECTED,
  CUT,
  captured,
  effectsOf,
  ended,
  error,
  FOUND,
  LOOKING,
  PAGE_OPENED,
  permitted,
  QUESTION,
  READY,
  received,
  says,
  step,
  TALKING,
  USING,
  WAITING,
} from '../../testing/sessions';
import type { SessionEvent } from './events';
import { maySearch, obstacleOf } from './obstacle';
import { FIRST_STATE, type Question, type Session } from './state';

const AGREED: SessionEvent = { type: 'consent_sent', outcome: 'agreed' };
const OUTDATED: SessionEvent = { type: 'consent_sent', outcome: 'outdated' };
const FAILED: SessionEvent = { type: 'consent_sent', outcome: 'failed' };
const NEWER: Question = { ...QUESTION, rules: '3' };
const NOT_NEEDED: Question = { ...QUESTION, isNeeded: false };
const ANSWERING = advance(ASKED, { type: 'agree' });
const REFUSED = error('consent_needed', { refused: 'find_partner' });

function consentOf({ socket }: Session) {
  return socket.name === 'held' ? socket.consent : null;
}

function connects(session: Session, event: SessionEvent): boolean {
  return effectsOf(session, event).some(({ type }) => type === 'connect');
}

test('the relay is asked before a socket is opened', () => {
  expect(effectsOf(FIRST_STATE, PAGE_OPENED)).toEqual([{ type: 'ask_consent' }]);
  const opened = advance(FIRST_STATE, PAGE_OPENED);
  expect(obstacleOf(opened)).toEqual({ name: 'connecting' });
  expect(effectsOf(opened, asks(QUESTION))).toEqual([]);
  expect(obstacleOf(ASKED)).toEqual({ name: 'consent' });
  expect(maySearch(ASKED)).toBe(false);
});

test.each([
  ['it need not be asked', NOT_NEEDED],
  ['it says nothing', null],
])('the socket is opened where %s', (_, question) => {
  expect(connects(advance(FIRST_STATE, PAGE_OPENED), asks(question))).toBe(true);
});

test.each([
  ['another network', { type: 'network_changed' }],
  ['waking up', { type: 'page_woke' }],
  ['a timer of an earlier socket', ended('connecting')],
  ['another timer', ended('reconnect')],
  ['a press on a button', { type: 'retry' }],
  ['Start', { type: 'start' }],
  ['a close', CUT],
] satisfies [string, SessionEvent][])('%s opens no socket before the person agreed', (_, event) => {
  const [session, effects] = step(ASKED, event);
  expect(session.socket).toBe(ASKED.socket);
  expect(effects).toEqual([]);
});

test('who agrees tells the relay which rules they read, and is connected once it knows', () => {
  expect(effectsOf(ASKED, { type: 'agree' })).toEqual([{ type: 'give_consent', rules: '2' }]);
  expect(effectsOf(ANSWERING, { type: 'agree' })).toEqual([]);
  expect(connects(ANSWERING, AGREED)).toBe(true);
  expect(advance(ANSWERING, AGREED)).toMatchObject({
    socket: { name: 'connecting' },
    agreedTo: '2',
  });
});

test('who was asked while they had pressed Start already is looked for after that', () => {
  const pressed = advance(FIRST_STATE, PAGE_OPENED, permitted('camera'), permitted('microphone'));
  const waiting = advance(pressed, captured(USING), { type: 'start' }, asks(QUESTION));
  expect(obstacleOf(waiting)).toEqual({ name: 'consent' });
  const agreed = advance(waiting, { type: 'agree' }, AGREED);
  expect(effectsOf(agreed, received(CONNECTED))).toContainEqual(
    says({ event: 'find_partner', data: { mode: 'video', keep_searching: true } }),
  );
});

test('an answer that did not get through is asked for again, and what failed is said', () => {
  const again = advance(ANSWERING, FAILED);
  expect(consentOf(again)).toMatchObject({ name: 'asked', trouble: 'unsent' });
  expect(effectsOf(again, { type: 'agree' })).toEqual([{ type: 'give_consent', rules: '2' }]);
  expect(consentOf(advance(ANSWERING, { type: 'thrown', by: 'give_consent' }))).toMatchObject({
    trouble: 'unsent',
  });
});

describe('rules that change', () => {
  test('between two visits are told to be others', () => {
    const asked = advance(FIRST_STATE, PAGE_OPENED, asks({ ...QUESTION, hasAgreed: true }));
    expect(consentOf(asked)).toMatchObject({ name: 'asked', changed: true });
    expect(consentOf(ASKED)).toMatchObject({ changed: false });
  });

  test('while they are read are asked for anew, and shown', () => {
    expect(effectsOf(ANSWERING, OUTDATED)).toEqual([{ type: 'ask_consent' }]);
    const shown = advance(ANSWERING, OUTDATED, asks(NEWER));
    expect(consentOf(shown)).toMatchObject({ name: 'asked', changed: true, question: NEWER });
    expect(consentOf(advance(ANSWERING, OUTDATED, asks(null)))).toMatchObject({
      trouble: 'unsent',
    });
    expect(connects(advance(ANSWERING, OUTDATED), asks(NOT_NEEDED))).toBe(true);
  });

  test('while somebody is here end the session, and another goes on with what they wanted', () => {
    const [held, effects] = step(WAITING, REFUSED);
    expect(effects).toEqual([
      { type: 'close_peer' },
      { type: 'disconnect' },
      { type: 'ask_consent' },
    ]);
    expect(held.phase.name).toBe('waiting');
    const asked = advance(held, asks(NEWER));
    expect(obstacleOf(asked)).toEqual({ name: 'consent' });
    const [, again] = step(advance(asked, { type: 'agree' }, AGREED), received(CONNECTED));
    expect(again).toContainEqual(
      says({ event: 'find_partner', data: { mode: 'video', keep_searching: true } }),
    );
  });

  test('before a Next end the session in which the former partner still is', () => {
    const skipped = advance(TALKING, { type: 'next' });
    const refused = error('consent_needed', { refused: 'next_partner' });
    expect(effectsOf(skipped, refused)).toContainEqual({ type: 'disconnect' });
    expect(advance(skipped, refused)).toMatchObject({ phase: { name: 'waiting' }, back: null });
  });
});

test.each([
  ['nobody has to agree to anything', NOT_NEEDED],
  ['the relay says nothing', null],
])('a refusal goes round in no circle where %s', (_, question) => {
  const [session, effects] = step(advance(WAITING, REFUSED), asks(question));
  expect(session.phase.name).toBe('idle');
  expect(effects).toContainEqual({ type: 'connect' });
  expect(effectsOf(session, received(CONNECTED)).map(({ type }) => type)).not.toContain('send');
});

test('a browser that did not keep the answer is the reason why it is asked for again', () => {
  const agreed = advance(ANSWERING, AGREED, received(CONNECTED), { type: 'start' });
  const asked = advance(agreed, captured(USING), REFUSED, asks(QUESTION));
  expect(consentOf(asked)).toMatchObject({ changed: false, trouble: 'forgotten' });
});

describe('who does not agree', () => {
  test('is left alone: devices are closed, nothing is opened, and the browser forgets', () => {
    const [session, effects] = step(ASKED, { type: 'decline' });
    expect(effects).toEqual([{ type: 'close_capture' }, { type: 'withdraw_consent' }]);
    expect(consentOf(session)).toEqual({ name: 'declined', minimumAge: 18 });
    expect(obstacleOf(session)).toEqual({ name: 'consent' });
    for (const event of [{ type: 'start' }, { type: 'agree' }, AGREED] as const) {
      expect(step(session, event)).toEqual([session, []]);
    }
    expect(effectsOf(session, permitted('camera'))).toEqual([]);
  });

  test('may also say so while the answer is on its way, and in the middle of a search', () => {
    expect(consentOf(advance(ANSWERING, { type: 'decline' }, AGREED))).toMatchObject({
      name: 'declined',
    });
    const asked = advance(WAITING, REFUSED, asks(NEWER), { type: 'decline' });
    expect(asked).toMatchObject({ phase: { name: 'idle' }, capture: { name: 'off' } });
  });
});

test('what is said out of turn changes nothing', () => {
  for (const event of [AGREED, OUTDATED, FAILED, { type: 'agree' }, { type: 'decline' }] as const) {
    expect(step(READY, event)).toEqual([READY, []]);
  }
  expect(advance(READY, asks(QUESTION)).socket).toBe(READY.socket);
  expect(advance(ASKED, received(FOUND), received(LOOKING)).socket).toBe(ASKED.socket);
});
