// @vitest-environment happy-dom

import { afterEach, expect, test } from 'vitest';
import { accountIn } from '../testing/account';
import { act, cleanup, fireEvent, render, screen } from '../testing/page';
import { Account } from './Account';
import { type AccountState, type AccountView, NO_ACCOUNTS } from './accounts';

const OFFERED: AccountState = {
  ...NO_ACCOUNTS,
  accounts: 'optional',
  passkeys: true,
  provider: 'Example',
  open: true,
};
const ANN = { nickname: 'Ann', preferences: {}, passkeys: 1, sessions: 2 };

async function show(state: AccountState): Promise<AccountView> {
  const account = accountIn(state);
  render(<Account state={state} account={account} />);
  // The dialog comes when it is wanted.
  await act(async () => void (await import('./AccountDialog')));
  return account;
}

const names = () => screen.getAllByRole('button').map((each) => each.textContent);

afterEach(cleanup);

test('where there are no accounts nothing is said of them', async () => {
  await show(NO_ACCOUNTS);
  expect(screen.queryByRole('button')).toBeNull();
});

test('the ways in are those that there are', async () => {
  const account = await show(OFFERED);
  expect(names()).toEqual([
    'Sign in',
    'Sign in with a passkey',
    'I am new: make a passkey',
    'Sign in with Example',
    'Close',
  ]);
  fireEvent.click(screen.getByRole('button', { name: 'Sign in with Example' }));
  expect(account.goToProvider).toHaveBeenCalledOnce();
  cleanup();
  await show({ ...OFFERED, passkeys: false });
  expect(names()).toEqual(['Sign in', 'Sign in with Example', 'Close']);
});

test('what went wrong is said in words, also where there are none for it', async () => {
  await show({ ...OFFERED, trouble: 'sign_in_failed' });
  expect(screen.getByRole('alert').textContent).toMatch(/^Signing in did not work/);
  cleanup();
  await show({ ...OFFERED, trouble: '<b>made up</b>' });
  expect(screen.getByRole('alert').textContent).toBe('That did not work. Try again later.');
});

test('an account is named, left and deleted, the last only when asked once more', async () => {
  const account = await show({ ...OFFERED, account: ANN });
  expect(names()[0]).toBe('Ann');
  expect(screen.getByRole('status').textContent).toBe('Signed in on 2 browsers.');
  fireEvent.input(screen.getByLabelText('Nickname'), { target: { value: 'Anna' } });
  fireEvent.submit(screen.getByLabelText('Nickname').closest('form') as HTMLFormElement);
  expect(account.rename).toHaveBeenCalledWith('Anna');
  fireEvent.click(screen.getByRole('button', { name: 'Delete account' }));
  expect(account.remove).not.toHaveBeenCalled();
  fireEvent.click(screen.getByRole('button', { name: 'Keep it' }));
  fireEvent.click(screen.getByRole('button', { name: 'Delete account' }));
  fireEvent.click(screen.getByRole('button', { name: 'Delete' }));
  expect(account.remove).toHaveBeenCalledOnce();
});
