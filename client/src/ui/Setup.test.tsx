// @vitest-environment happy-dom

import { afterEach, describe, expect, test } from 'vitest';
import { cleanup, fireEvent, screen, within } from '../testing/page';
import { advance, READY, SOCKET_OPEN, TALKING, TEXT_READY, WAITING } from '../testing/sessions';
import { show } from '../testing/view';

const LISTED = advance(READY, {
  type: 'devices_listed',
  devices: {
    microphone: [{ id: 'mic-1', label: 'Desk microphone' }],
    camera: [
      { id: 'cam-1', label: 'Lid camera' },
      { id: 'cam-2', label: '' },
    ],
  },
});

function picker(name: string): HTMLSelectElement {
  return screen.getByLabelText<HTMLSelectElement>(name);
}

afterEach(cleanup);

test('what to share is one of three', () => {
  const view = show(READY);
  const group = within(screen.getByRole('radiogroup', { name: 'What to share' }));
  const names = ['Video', 'Audio only', 'Text only'];
  const checked = () =>
    names.map((name) => group.getByRole<HTMLInputElement>('radio', { name }).checked);
  expect(checked()).toEqual([true, false, false]);
  fireEvent.click(group.getByRole('radio', { name: 'Text only' }));
  expect(view.did).toEqual([{ type: 'choose_mode', mode: 'text' }]);
  view.go(TEXT_READY);
  expect(checked()).toEqual([false, false, true]);
});

test('searching on is the rule, and can be switched off', () => {
  const view = show(READY);
  const box = screen.getByRole<HTMLInputElement>('checkbox', {
    name: 'Search on when my partner leaves',
  });
  expect(box.checked).toBe(true);
  fireEvent.click(box);
  expect(view.did).toEqual([{ type: 'choose_keep_searching', on: false }]);
});

test('nothing of it is there once the search has begun', () => {
  for (const session of [WAITING, TALKING]) {
    show(session);
    expect(screen.queryByRole('radiogroup')).toBeNull();
    expect(screen.queryByRole('checkbox')).toBeNull();
    cleanup();
  }
});

test('it says who sees and hears the person', () => {
  const view = show(READY);
  expect(screen.getByText(/Nobody sees or hears you until you are paired/)).toBeDefined();
  view.go(TEXT_READY);
  expect(screen.getByText(/Your camera and microphone stay closed/)).toBeDefined();
});

describe('the devices', () => {
  test('are chosen by their names, and by number where they have none', () => {
    const view = show(LISTED);
    expect(picker('Camera').selectedOptions[0]?.textContent).toBe('Lid camera');
    fireEvent.change(picker('Camera'), { target: { value: 'cam-2' } });
    expect(view.did).toEqual([{ type: 'choose_device', kind: 'camera', id: 'cam-2' }]);
    expect(within(picker('Camera')).getByText('Camera 2')).toBeDefined();
  });

  test('cannot be chosen before they are allowed', () => {
    show(SOCKET_OPEN);
    expect(picker('Microphone').disabled).toBe(true);
    expect(picker('Microphone').textContent).toBe('Not open yet');
  });

  test('one that is gone is not shown as chosen', () => {
    show(advance(LISTED, { type: 'device_ended', kind: 'camera' }));
    expect(picker('Camera').selectedOptions[0]?.textContent).toBe('Choose one');
  });

  test.each([
    ['refused', 'Not allowed yet'],
    ['insecure', 'Not allowed yet'],
    ['none', 'Not available'],
  ] as const)('one that is absent (%s) says so: %s', (why, words) => {
    if (LISTED.capture.name !== 'open') throw new Error('nothing is open');
    const absent = { ...LISTED.capture.absent, camera: why };
    show({
      ...LISTED,
      capture: { ...LISTED.capture, using: { ...LISTED.capture.using, camera: null }, absent },
    });
    expect(picker('Camera').selectedOptions[0]?.textContent).toBe(words);
  });

  test('are asked for as far as the mode has them', () => {
    const view = show(advance(LISTED, { type: 'choose_mode', mode: 'audio' }));
    expect(screen.queryByLabelText('Camera')).toBeNull();
    expect(picker('Microphone')).toBeDefined();
    view.go(TEXT_READY);
    expect(screen.queryByLabelText('Microphone')).toBeNull();
  });

  test('can be chosen in a call too', () => {
    show(advance(LISTED, { type: 'start' }));
    expect(picker('Camera').value).toBe('cam-1');
  });
});
