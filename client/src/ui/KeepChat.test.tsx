// @vitest-environment happy-dom

import { afterEach, describe, expect, test } from 'vitest';
import type { Session } from '../core/machine/state';
import { cleanup, fireEvent, screen } from '../testing/page';
import { advance, received, TALKING, WAITING } from '../testing/sessions';
import { show } from '../testing/view';

const KEEPS: Session = { ...TALKING, keepsChats: 30 };

function standing(own: boolean, partner: boolean, until?: number, failed?: boolean): Session {
  const data = {
    room_id: 'first',
    own,
    partner,
    ...(until === undefined ? {} : { until }),
    ...(failed === undefined ? {} : { failed }),
  };
  return advance(KEEPS, received({ event: 'chat_keeping', data }));
}

afterEach(cleanup);

describe('keeping a chat', () => {
  test('is not spoken of where the server keeps none, or nobody is there', () => {
    show(TALKING);
    expect(screen.queryByRole('button', { name: /keep/i })).toBeNull();
    cleanup();
    show({ ...WAITING, keepsChats: 30 });
    expect(screen.queryByRole('button', { name: /keep/i })).toBeNull();
  });

  test('says what it means before it is pressed', () => {
    const { did } = show(KEEPS);
    expect(screen.getByText('Nothing here is kept.')).toBeTruthy();
    const button = screen.getByRole('button', { name: 'Keep this chat' });
    expect(button.title).toContain('30 days');
    fireEvent.click(button);
    expect(did.at(-1)).toEqual({ type: 'keep_chat', keep: true });
  });

  test.each([
    [standing(true, false), /partner is asked/, 'Never mind', false],
    [standing(false, true), /partner would like/, 'Keep it too', true],
    [standing(true, true), /One moment/, 'Never mind', false],
    [
      standing(true, true, 2_000_000_000),
      /for you both until May 18, 2033/,
      'Erase it for both',
      false,
    ],
    [standing(false, false, undefined, true), /not kept any more/, 'Keep this chat', true],
  ])('shows how both stand (%#)', (session, said, name, keep) => {
    const { did } = show(session);
    expect(screen.getByText(said)).toBeTruthy();
    fireEvent.click(screen.getByRole('button', { name }));
    expect(did.at(-1)).toEqual({ type: 'keep_chat', keep });
  });
});
