// @vitest-environment happy-dom

import { afterEach, describe, expect, test, vi } from 'vitest';
import type { SessionEvent } from '../core/machine/events';
import type { Session } from '../core/machine/state';
import { cleanup, fireEvent, screen, within } from '../testing/page';
import {
  advance,
  error,
  found,
  PARTED,
  parted,
  received,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../testing/sessions';
import { button, messageBox, show } from '../testing/view';

const SAID = advance(TALKING, { type: 'say', id: 'a', text: 'hi' });
const UNCONFIRMED: SessionEvent = { type: 'timer_ended', timer: 'message a' };

const nameOf = ({ textContent }: HTMLElement) => textContent;

afterEach(cleanup);

describe('writing', () => {
  test('sends on Enter under a name of its own, and empties the box', () => {
    const { did } = show(TALKING);
    fireEvent.input(messageBox(), { target: { value: 'hello' } });
    fireEvent.submit(messageBox());
    expect(did.at(-1)).toMatchObject({
      type: 'say',
      text: 'hello',
      id: expect.stringMatching(/./),
    });
    expect(messageBox().value).toBe('');
  });

  test('tells that something is being typed, and that it was taken back', () => {
    const { did } = show(TALKING);
    fireEvent.input(messageBox(), { target: { value: 'h' } });
    fireEvent.input(messageBox(), { target: { value: ' ' } });
    expect(did).toEqual([
      { type: 'typed', empty: false },
      { type: 'typed', empty: true },
    ]);
  });

  test('sends on Enter, and begins a line with Shift or while a character is composed', () => {
    const { did } = show(TALKING);
    fireEvent.input(messageBox(), { target: { value: 'hello' } });
    fireEvent.keyDown(messageBox(), { key: 'Enter', shiftKey: true });
    fireEvent.keyDown(messageBox(), { key: 'Enter', isComposing: true });
    fireEvent.keyDown(messageBox(), { key: 'Enter', keyCode: 229 });
    expect(did.filter(({ type }) => type === 'say')).toEqual([]);
    fireEvent.keyDown(messageBox(), { key: 'Enter' });
    expect(did.at(-1)).toMatchObject({ type: 'say', text: 'hello' });
  });

  test('goes on while there is nobody, and sends nothing then', () => {
    for (const session of [WAITING, PARTED]) {
      const { did, go } = show(session);
      fireEvent.input(messageBox(), { target: { value: 'hello there' } });
      expect(button('Send').disabled).toBe(true);
      fireEvent.submit(messageBox());
      expect(did.filter(({ type }) => type === 'say')).toEqual([]);
      go(advance(WAITING, received(found('second'))));
      expect(messageBox().value).toBe('hello there');
      fireEvent.submit(messageBox());
      expect(did.at(-1)).toMatchObject({ type: 'say', text: 'hello there' });
      cleanup();
    }
  });

  test('half a sentence stays when the partner goes, and is not sent to the next by the same press', () => {
    const view = show(TALKING);
    const said = () => view.did.filter(({ type }) => type === 'say');
    fireEvent.input(messageBox(), { target: { value: 'half a sen' } });
    view.go(PARTED);
    view.go(advance(TALKING, received(found('second'))));
    expect(messageBox().value).toBe('half a sen');
    fireEvent.input(messageBox(), { target: { value: 'half a sentence' } });
    fireEvent.submit(messageBox());
    expect(said()).toEqual([]);
    expect(screen.getByText(/You began this in another conversation/)).toBeDefined();
    fireEvent.submit(messageBox());
    expect(said()).toMatchObject([{ text: 'half a sentence' }]);
    expect(screen.queryByText(/You began this in another conversation/)).toBeNull();
  });

  test('is not cut where it is too long, but says by how much', () => {
    const { did } = show(TALKING);
    fireEvent.input(messageBox(), { target: { value: 'ab'.repeat(951) } });
    expect(screen.getByText('98 characters left')).toBeDefined();
    // As the relay counts: an emoji is one.
    fireEvent.input(messageBox(), { target: { value: '👋'.repeat(2_001) } });
    expect(screen.getByText('1 character too many')).toBeDefined();
    expect(button('Send').disabled).toBe(true);
    fireEvent.submit(messageBox());
    expect(did.filter(({ type }) => type === 'say')).toEqual([]);
  });
});

describe('the focus', () => {
  test('is in the message box once there is somebody to write to', () => {
    const view = show(WAITING);
    button('Next').focus();
    view.go(TALKING);
    expect(document.activeElement).toBe(messageBox());
    const box = messageBox();
    view.go(PARTED);
    view.go(advance(TALKING, received(found('second'))));
    expect(document.activeElement).toBe(box);
  });

  test('is in the message box again after Send', () => {
    show(TALKING);
    fireEvent.change(messageBox(), { target: { value: 'hello' } });
    button('Send').focus();
    fireEvent.click(button('Send'));
    expect(document.activeElement).toBe(messageBox());
  });

  test('stays where a device is chosen or the log is read', () => {
    const listed = { id: 'cam-1', label: 'Lid camera' };
    const devices = { microphone: [], camera: [listed] };
    const waiting = advance(WAITING, { type: 'devices_listed', devices });
    const view = show(waiting);
    for (const at of [screen.getByLabelText('Camera'), screen.getByRole('log')]) {
      at.focus();
      view.go(advance(waiting, received(found('first'))));
      expect(document.activeElement).toBe(at);
      view.go(waiting);
    }
  });

  test('on a touch screen opens the keyboard only where there is nothing but words', () => {
    vi.stubGlobal('matchMedia', (query: string) => ({ matches: query === '(pointer: coarse)' }));
    show(TALKING);
    expect(document.activeElement).toBe(document.body);
    cleanup();
    show(advance(TEXT_READY, { type: 'start' }, received(found('first'))));
    expect(document.activeElement).toBe(messageBox());
  });
});

describe('the log', () => {
  test('shows a stranger’s markup and links as text', () => {
    const text = '<img src=x onerror=alert(1)> https://example.org';
    show(advance(TALKING, received({ event: 'chat_message', data: { id: '1', text } })));
    const log = screen.getByRole('log');
    expect(within(log).getByText(text)).toBeDefined();
    expect(log.querySelector('img, a')).toBeNull();
  });

  test('says who wrote what, and reads one’s own words to nobody', () => {
    const heard = advance(
      SAID,
      received({ event: 'chat_message', data: { id: '1', text: 'hello' } }),
    );
    const view = show(SAID);
    view.go(heard);
    const log = screen.getByRole('log');
    expect(within(log).getByText('You:').parentElement?.textContent).toContain('hi');
    expect(within(log).getByText('Partner:').parentElement?.textContent).toContain('hello');
    expect(log.getAttribute('aria-live')).toBe('off');
    const announced = document.querySelector('[data-announcer]');
    expect(announced?.getAttribute('aria-live')).toBe('polite');
    expect(announced?.textContent).toBe('Partner: hello');
  });

  test('stays where somebody reads, and counts what came meanwhile', () => {
    const writes = (session: Session, id: string) =>
      advance(session, received({ event: 'chat_message', data: { id, text: id } }));
    const view = show(writes(TALKING, '1'));
    const log = screen.getByRole('log');
    Object.defineProperties(log, {
      scrollHeight: { value: 1_000 },
      clientHeight: { value: 100 },
    });
    log.scrollTop = 200;
    fireEvent.scroll(log);
    const two = writes(writes(writes(TALKING, '1'), '2'), '3');
    view.go(two);
    expect(log.scrollTop).toBe(200);
    fireEvent.click(button('2 new'));
    expect(log.scrollTop).toBe(1_000);
    expect(screen.queryByRole('button', { name: /new/ })).toBeNull();
    log.scrollTop = 200;
    fireEvent.scroll(log);
    view.go(advance(two, { type: 'say', id: 'a', text: 'hi' }));
    expect(log.scrollTop).toBe(1_000);
  });

  test('counts nothing more once somebody has scrolled back to its end', () => {
    const writes = (session: Session, id: string) =>
      advance(session, received({ event: 'chat_message', data: { id, text: id } }));
    const one = writes(TALKING, '1');
    const view = show(one);
    const log = screen.getByRole('log');
    Object.defineProperties(log, {
      scrollHeight: { value: 1_000 },
      clientHeight: { value: 100 },
    });
    const scroll = (top: number) => {
      log.scrollTop = top;
      fireEvent.scroll(log);
    };
    scroll(200);
    view.go(writes(one, '2'));
    expect(button('1 new')).toBeDefined();
    scroll(860);
    expect(button('1 new')).toBeDefined();
    scroll(861);
    expect(screen.queryByRole('button', { name: /new/ })).toBeNull();
    scroll(200);
    expect(screen.queryByRole('button', { name: /new/ })).toBeNull();
  });

  test('says what becomes of a message, of the newest alone once it is sent', () => {
    const view = show(SAID);
    expect(screen.getByText('Sending…')).toBeDefined();
    const sent = advance(SAID, received({ event: 'message_delivered', data: { id: 'a' } }));
    view.go(sent);
    expect(screen.getByText('Sent')).toBeDefined();
    view.go(advance(sent, { type: 'say', id: 'b', text: 'there' }));
    expect(screen.queryByText('Sent')).toBeNull();
  });

  test('a message that failed can be sent again', () => {
    const { did } = show(advance(SAID, UNCONFIRMED));
    expect(screen.getByText('Not sent: the server did not answer.')).toBeDefined();
    fireEvent.click(button('Retry'));
    expect(did).toEqual([{ type: 'say_again', id: 'a' }]);
    // The button goes when the message is on its way.
    expect(document.activeElement).toBe(screen.getByRole('log'));
  });

  test.each([
    ['rate_limited', 'too fast. Wait a moment.', ['Retry']],
    ['out_of_turn', 'your partner was gone.', ['Retry']],
    ['internal', 'the server made a mistake.', ['Retry']],
    ['message_too_large', 'it is too long.', []],
    ['invalid_message', 'the server could not read it.', []],
  ] as const)('one that was refused says why: %s', (code, why, ways) => {
    show(advance(SAID, error(code, { refused: 'chat_message', id: 'a' })));
    expect(screen.getByRole('alert').textContent).toBe(`Not sent: ${why}`);
    expect(within(screen.getByRole('log')).queryAllByRole('button').map(nameOf)).toEqual(ways);
  });

  test('several that failed are sent again by one press, oldest first, but for those that never can be', () => {
    const say = (id: string): SessionEvent => ({ type: 'say', id, text: id });
    const refuse = (id: string, code: 'rate_limited' | 'message_too_large') =>
      error(code, { refused: 'chat_message', id });
    const one = advance(TALKING, say('a'), refuse('a', 'rate_limited'));
    const view = show(one);
    expect(screen.queryByRole('button', { name: 'Send all again' })).toBeNull();
    view.go(
      advance(
        one,
        say('b'),
        refuse('b', 'message_too_large'),
        say('c'),
        refuse('c', 'rate_limited'),
        say('d'),
      ),
    );
    fireEvent.click(button('Send all again'));
    expect(view.did).toEqual([
      { type: 'say_again', id: 'a' },
      { type: 'say_again', id: 'c' },
    ]);
    view.go(advance(one, say('c'), refuse('c', 'rate_limited'), received(parted('left'))));
    expect(screen.queryByRole('button', { name: 'Send all again' })).toBeNull();
  });

  test('a message that failed is not sent again to nobody', () => {
    show(advance(SAID, received(parted('left')), UNCONFIRMED));
    expect(screen.getByText('Not sent: the server did not answer.')).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Retry' })).toBeNull();
  });
});

test('the partner’s typing shows while it lasts', () => {
  const typing = advance(TALKING, received({ event: 'typing', data: { active: true } }));
  const view = show(typing);
  expect(screen.getByText('Your partner is typing…')).toBeDefined();
  view.go(advance(typing, { type: 'timer_ended', timer: 'partner_typing 0' }));
  expect(screen.queryByText('Your partner is typing…')).toBeNull();
});
