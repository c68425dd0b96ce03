// @vitest-environment happy-dom

import { cleanup, fireEvent, screen, within } from '@testing-library/react';
import { afterEach, describe, expect, test } from 'vitest';
import type { SessionEvent } from '../core/state';
import { advance, found, PARTED, parted, received, TALKING, WAITING } from '../testing/sessions';
import { button, messageBox, show } from '../testing/view';

const SAID = advance(TALKING, { type: 'say', id: 'a', text: 'hi' });
const UNCONFIRMED: SessionEvent = { type: 'timer_ended', timer: 'message a' };

afterEach(cleanup);

describe('writing', () => {
  test('sends on Enter under a name of its own, and empties the box', () => {
    const { did } = show(TALKING);
    expect(messageBox().maxLength).toBe(2_000);
    fireEvent.change(messageBox(), { target: { value: 'hello' } });
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
    fireEvent.change(messageBox(), { target: { value: 'h' } });
    fireEvent.change(messageBox(), { target: { value: ' ' } });
    expect(did).toEqual([
      { type: 'typed', empty: false },
      { type: 'typed', empty: true },
    ]);
  });

  test('is closed unless talking', () => {
    for (const session of [WAITING, PARTED]) {
      show(session);
      expect(messageBox().disabled).toBe(true);
      cleanup();
    }
  });

  test('does not carry a half-written message over to the next stranger', () => {
    const view = show(TALKING);
    fireEvent.change(messageBox(), { target: { value: 'half a sen' } });
    view.go(advance(TALKING, received(found('second'))));
    expect(messageBox().value).toBe('');
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
    expect(screen.getByText('Not sent')).toBeDefined();
    fireEvent.click(button('Retry'));
    expect(did).toEqual([{ type: 'say_again', id: 'a' }]);
  });

  test('a message that failed is not sent again to nobody', () => {
    show(advance(SAID, received(parted('left')), UNCONFIRMED));
    expect(screen.getByText('Not sent')).toBeDefined();
    expect(screen.queryByRole('button', { name: 'Retry' })).toBeNull();
  });
});

test('the partner’s typing shows while it lasts', () => {
  const typing = advance(TALKING, received({ event: 'typing', data: { active: true } }));
  const view = show(typing);
  expect(screen.getByText('Your partner is typing…')).toBeDefined();
  view.go(advance(typing, { type: 'timer_ended', timer: 'partner_typing' }));
  expect(screen.queryByText('Your partner is typing…')).toBeNull();
});
