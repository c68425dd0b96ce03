// @vitest-environment happy-dom

import axe from 'axe-core';
import { afterEach, describe, expect, test } from 'vitest';
import { FIRST_STATE } from '../core/machine/state';
import { cleanup, fireEvent, render, screen, within } from '../testing/page';
import { ASKED, advance, asks, OPENED, PAGE_OPENED, QUESTION } from '../testing/sessions';
import { button, show } from '../testing/view';
import { RichText } from './rich_text';

afterEach(cleanup);

function box(): HTMLInputElement {
  return screen.getByRole<HTMLInputElement>('checkbox', { name: 'I am 18 or older' });
}

test('nobody is asked who need not be', () => {
  const view = show(OPENED);
  expect(screen.queryByRole('dialog')).toBeNull();
  view.go(ASKED);
  expect(screen.getByRole('dialog', { name: 'First, the rules' })).toBeDefined();
});

test('the rules are read, the age is ticked, and then the person agrees', () => {
  const view = show(ASKED);
  const rules = within(screen.getByRole('region', { name: 'The rules' }));
  expect(rules.getByRole('heading', { name: 'Be kind' }).localName).toBe('h3');
  expect(box().checked).toBe(false);
  fireEvent.click(box());
  fireEvent.click(button('I agree'));
  expect(view.did).toEqual([{ type: 'agree' }]);
  view.go(advance(ASKED, { type: 'agree' }));
  fireEvent.click(button('One moment…'));
  expect(view.did).toHaveLength(1);
});

test('who has not ticked it is told to, and led there', () => {
  const view = show(ASKED);
  fireEvent.click(button('I agree'));
  expect(view.did).toEqual([]);
  expect(screen.getByRole('alert').textContent).toBe('To go on, tick that you are 18 or older.');
  expect(document.activeElement).toBe(box());
  fireEvent.click(box());
  expect(screen.getByRole('alert').textContent).toBe('');
});

test('Escape is no way past it', () => {
  show(ASKED);
  const dialog = screen.getByRole('dialog');
  expect(fireEvent.keyDown(dialog, { key: 'Escape' })).toBe(false);
  expect(fireEvent(dialog, new Event('cancel', { cancelable: true }))).toBe(false);
});

test('where no age is asked for nothing is to be ticked', () => {
  const view = show(advance(FIRST_STATE, PAGE_OPENED, asks({ ...QUESTION, minimumAge: 0 })));
  const dialog = within(screen.getByRole('dialog'));
  expect(dialog.queryByRole('checkbox')).toBeNull();
  fireEvent.click(button('I agree'));
  expect(view.did).toEqual([{ type: 'agree' }]);
  expect(button('I don’t agree')).toBeDefined();
});

test('rules that changed are said to be others', () => {
  show(advance(FIRST_STATE, PAGE_OPENED, asks({ ...QUESTION, hasAgreed: true })));
  expect(screen.getByRole('dialog', { name: 'The rules have changed' })).toBeDefined();
});

test('what went wrong with the answer is said', () => {
  show(advance(ASKED, { type: 'agree' }, { type: 'consent_sent', outcome: 'failed' }));
  expect(screen.getByRole('alert').textContent).toMatch('did not take your answer');
});

test('whom this is not for has one page, and no way on', () => {
  const view = show(ASKED);
  fireEvent.click(button('I am younger, or I don’t agree'));
  expect(view.did).toEqual([{ type: 'decline' }]);
  view.go(advance(ASKED, { type: 'decline' }));
  const dialog = within(screen.getByRole('dialog', { name: 'Then this is not for you' }));
  expect(dialog.queryAllByRole('button')).toEqual([]);
  expect(document.activeElement?.textContent).toBe('Then this is not for you');
});

test.each([
  ['the question', ASKED],
  ['the page for those whom this is not for', advance(ASKED, { type: 'decline' })],
])('%s has no fault that a machine finds', async (_, session) => {
  show(session);
  const { violations } = await axe.run(screen.getByRole('dialog'), {
    rules: { 'color-contrast': { enabled: false } },
  });
  expect(violations).toEqual([]);
});

describe('of what the server says of the rules', () => {
  function drawn(html: string): string {
    render(
      <div data-testid="rules">
        <RichText html={html} />
      </div>,
    );
    return screen.getByTestId('rules').innerHTML;
  }

  test('what they are written with is drawn, a level below', () => {
    expect(
      drawn('<h2>A</h2><p>b <strong>c</strong> <a href="https://e.org/">d</a></p><hr />'),
    ).toBe('<h3>A</h3><p>b <strong>c</strong> <a href="https://e.org/">d</a></p><hr>');
  });

  test.each([
    ['a script', '<p>a<script>alert(1)</script></p>', '<p>a</p>'],
    ['what a picture runs', '<p>a<img src="x" onerror="alert(1)"></p>', '<p>a</p>'],
    ['an attribute', '<p onclick="alert(1)" style="color:red" class="x">a</p>', '<p>a</p>'],
    ['a link that runs something', '<a href="javascript:alert(1)">a</a>', 'a'],
    ['a form', '<form action="https://e.org"><input name="a">b</form>', 'b'],
    ['a frame', '<iframe src="https://e.org"></iframe>a', 'a'],
  ])('%s is not drawn', (_, html, left) => {
    expect(drawn(html)).toBe(left);
  });
});
