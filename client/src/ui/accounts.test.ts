// @vitest-environment happy-dom

import { beforeEach, expect, test, vi } from 'vitest';
import { AccountDesk, type Carried } from './accounts';

const ANN = { nickname: 'Ann', preferences: {}, passkeys: 1, identities: 0, sessions: 1 };
const TOLD = { accounts: 'optional', passkeys: true, provider: 'id.example', account: ANN };

const asked = vi.fn<typeof fetch>();
let changed: () => void = () => undefined;
const adopt = vi.fn();
const CARRIED: Carried = {
  carried: () => ({ mode: 'text' }),
  adopt,
  onCarried: (told) => {
    changed = told;
  },
};

function answer(body: unknown, status = 200): void {
  asked.mockResolvedValueOnce(
    new Response(status === 204 ? null : JSON.stringify(body), { status }),
  );
}

const sent = () => asked.mock.calls.map(([path, init]) => [init?.method, path, init?.body]);

beforeEach(() => {
  asked.mockReset();
  adopt.mockReset();
  vi.stubGlobal('fetch', asked);
  history.replaceState(null, '', '/');
});

test('what an account carries goes before what this browser remembers', async () => {
  const desk = new AccountDesk(CARRIED);
  answer({ ...TOLD, account: { ...ANN, preferences: { mode: 'audio' } } });
  await desk.look();
  expect(adopt).toHaveBeenCalledWith({ mode: 'audio' });
  expect(asked).toHaveBeenCalledTimes(1);
});

test('an account that carries nothing yet is given what this browser remembers, and each change', async () => {
  const desk = new AccountDesk(CARRIED);
  answer(TOLD);
  answer(null, 204);
  await desk.look();
  const body = JSON.stringify({ nickname: 'Ann', preferences: { mode: 'text' } });
  await vi.waitFor(() => expect(sent()[1]).toEqual(['PATCH', 'videochat/account', body]));
  answer(null, 204);
  changed();
  await vi.waitFor(() => expect(asked).toHaveBeenCalledTimes(3));
  expect(adopt).not.toHaveBeenCalled();
});

test('nothing is sent of who is not signed in', async () => {
  const desk = new AccountDesk(CARRIED);
  answer({ ...TOLD, account: null });
  await desk.look();
  changed();
  expect(asked).toHaveBeenCalledTimes(1);
});

test('who was not let in by the provider is told, and the address forgets it', async () => {
  history.replaceState(null, '', '/?sign-in=sign_in_failed&more=1');
  const desk = new AccountDesk(CARRIED);
  answer({ ...TOLD, account: null });
  await desk.look();
  expect(desk.state()).toMatchObject({ open: true, trouble: 'sign_in_failed' });
  expect(location.search).toBe('?more=1');
});

test('without an answer there are no accounts, and nobody has to sign in', async () => {
  const desk = new AccountDesk(CARRIED);
  asked.mockRejectedValueOnce(new TypeError('offline'));
  await desk.look();
  expect(desk.state().accounts).toBe('off');
});

test('who was signed out elsewhere is told', async () => {
  const desk = new AccountDesk(CARRIED);
  answer({ ...TOLD, account: { ...ANN, preferences: { mode: 'audio' } } });
  await desk.look();
  answer({ code: 'signed_out', message: '' }, 401);
  desk.rename('Bob');
  await vi.waitFor(() => expect(desk.state().busy).toBe(false));
  expect(desk.state()).toMatchObject({ account: null, trouble: 'signed_out' });
});
