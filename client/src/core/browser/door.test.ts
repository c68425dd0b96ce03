import { afterEach, expect, test, vi } from 'vitest';
import { DOOR, knock } from './door';

afterEach(() => vi.unstubAllGlobals());

function answers(body: string, status: number): ReturnType<typeof vi.fn> {
  const fetching = vi.fn(async () => new Response(body, { status }));
  vi.stubGlobal('fetch', fetching);
  return fetching;
}

test.each([
  ['{"open":true}', 200, 'no_websocket'],
  ['{"code":"origin_refused","message":"A sentence."}', 403, 'origin_refused'],
  ['{"code":"host_refused","message":"A sentence."}', 421, 'host_refused'],
  ['{"code":"rate_limited","message":"A sentence."}', 429, 'rate_limited'],
  ['<h1>502 Bad Gateway</h1>', 502, 'not_there'],
  ['{"code":"not_found","message":"An older server."}', 404, 'not_there'],
  ['null', 200, 'not_there'],
] as const)('%s is told from the other answers', async (body, status, door) => {
  answers(body, status);
  expect(await knock()).toBe(door);
});

test('no answer is no answer', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  expect(await knock()).toBe('silent');
});

test('the question carries the origin, which browsers leave out of a GET', async () => {
  const fetching = answers('{"open":true}', 200);
  await knock();
  expect(fetching).toHaveBeenCalledWith(DOOR, expect.objectContaining({ method: 'POST' }));
});
