// @vitest-environment happy-dom

import { afterEach, describe, expect, test } from 'vitest';
import { FIRST_STATE } from '../core/machine/state';
import { cleanup, fireEvent, screen } from '../testing/page';
import {
  advance,
  error,
  GRANTED,
  PARTED,
  READY,
  TALKING,
  TEXT_READY,
  WAITING,
} from '../testing/sessions';
import { button, buttons, messageBox, show } from '../testing/view';

afterEach(cleanup);

describe('start, next and stop', () => {
  test('start is there from the first moment, and rests while the browser asks', () => {
    const view = show(FIRST_STATE);
    button('Start').focus();
    fireEvent.click(button('Start'));
    expect(view.did).toEqual([{ type: 'start' }]);
    view.go(advance(FIRST_STATE, { type: 'start' }));
    expect(button('Start').getAttribute('aria-disabled')).toBe('true');
    expect(button('Start').disabled).toBe(false);
    expect(document.activeElement).toBe(button('Start'));
  });

  test.each([
    ['while waiting', WAITING],
    ['while talking', TALKING],
    ['after the partner left', PARTED],
  ])('%s: next and stop', (_, session) => {
    const view = show(session);
    expect(buttons().slice(0, 2)).toEqual(['Next', 'Stop']);
    fireEvent.click(button('Next'));
    fireEvent.click(button('Stop'));
    expect(view.did).toEqual([{ type: 'next' }, { type: 'stop' }]);
    expect(document.activeElement).toBe(button('Next'));
  });

  test('a keyboard’s focus stays on one button from start to next and back', () => {
    const view = show(READY);
    button('Start').focus();
    view.go(WAITING);
    expect(document.activeElement).toBe(button('Next'));
    view.go(READY);
    expect(document.activeElement).toBe(button('Start'));
  });

  test('next waits while the server asks for a pause', () => {
    show(advance(WAITING, error('rate_limited', { refused: 'next_partner' })));
    expect(button('Next').getAttribute('aria-disabled')).toBe('true');
    expect(button('Stop').disabled).toBe(false);
  });
});

describe('Escape', () => {
  test('takes back what was written, then leaves the box, and only then is about the partner', () => {
    const view = show(TALKING);
    fireEvent.input(messageBox(), { target: { value: 'half a sentence' } });
    messageBox().focus();
    fireEvent.keyDown(messageBox(), { key: 'Escape' });
    expect(messageBox().value).toBe('');
    expect(document.activeElement).toBe(messageBox());
    fireEvent.keyDown(messageBox(), { key: 'Escape' });
    expect(document.activeElement).toBe(document.body);
    expect(view.did.filter(({ type }) => type !== 'typed')).toEqual([]);
    fireEvent.keyDown(document.body, { key: 'Escape' });
    expect(view.did.at(-1)).toEqual({ type: 'escape' });
  });

  test('is asked about on the button', () => {
    show(advance(TALKING, { type: 'escape' }));
    expect(buttons()).toContain('Really?');
    fireEvent.click(button('Really?'));
  });

  test('means nothing on the landing page', () => {
    const view = show(READY);
    fireEvent.keyDown(document.body, { key: 'Escape' });
    expect(view.did).toEqual([]);
  });

  test('held down is pressed once', () => {
    const view = show(TALKING);
    fireEvent.keyDown(document.body, { key: 'Escape', repeat: true });
    expect(view.did).toEqual([]);
  });

  test('closes what is open instead: a device list, the devices’ panel, a word being composed', () => {
    const view = show(TALKING);
    fireEvent.keyDown(screen.getByLabelText('Camera'), { key: 'Escape' });
    fireEvent.keyDown(messageBox(), { key: 'Escape', isComposing: true });
    const panel = screen.getByRole('region', { name: 'Devices' });
    fireEvent(panel, Object.assign(new Event('beforetoggle'), { newState: 'open' }));
    fireEvent.keyDown(document.body, { key: 'Escape' });
    expect(view.did).toEqual([]);
    fireEvent(panel, Object.assign(new Event('beforetoggle'), { newState: 'closed' }));
    fireEvent.keyDown(document.body, { key: 'Escape' });
    expect(view.did).toEqual([{ type: 'escape' }]);
  });
});

test('Escape is not lost when the devices’ panel is taken away while it is open', () => {
  const view = show(TALKING);
  const panel = screen.getByRole('region', { name: 'Devices' });
  fireEvent(panel, Object.assign(new Event('beforetoggle'), { newState: 'open' }));
  view.go(READY);
  view.go(TALKING);
  fireEvent.keyDown(document.body, { key: 'Escape' });
  expect(view.did).toEqual([{ type: 'escape' }]);
});

describe('microphone and camera', () => {
  test.each([
    ['Mute microphone', 'Unmute microphone', 'microphone'],
    ['Turn camera off', 'Turn camera on', 'camera'],
  ] as const)('"%s" becomes "%s"', (on, off, kind) => {
    const view = show(TALKING);
    fireEvent.click(button(on));
    view.go(advance(TALKING, { type: 'toggle', kind }));
    fireEvent.click(button(off));
    expect(view.did).toEqual([
      { type: 'toggle', kind },
      { type: 'toggle', kind },
    ]);
  });

  test('can be switched off before the start', () => {
    show(GRANTED);
    expect(buttons()).toEqual(['Start', 'Mute microphone', 'Turn camera off']);
  });

  test('are there as far as the mode has them', () => {
    const view = show(advance(READY, { type: 'choose_mode', mode: 'audio' }));
    expect(screen.queryByRole('button', { name: 'Turn camera off' })).toBeNull();
    expect(button('Mute microphone')).toBeDefined();
    view.go(TEXT_READY);
    expect(buttons()).toEqual(['Start']);
  });
});
