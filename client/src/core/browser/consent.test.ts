import { expect, test, vi } from 'vitest';
import { askConsent, CONSENT, giveConsent, tell, withdrawConsent } from './consent';

const TOLD = {
  is_needed: true,
  has_agreed: false,
  rules: '2',
  rules_html: '<p>Be kind.</p>',
  minimum_age: 18,
  site: { name: null, contact: null, imprint: 'https://example.org/imprint', links: [] },
};

function answers(status: number, body = ''): ReturnType<typeof vi.fn> {
  const fetching = vi.fn(async () => new Response(status === 204 ? null : body, { status }));
  vi.stubGlobal('fetch', fetching);
  return fetching;
}

test('what the relay asks is told', async () => {
  answers(200, JSON.stringify(TOLD));
  expect(await askConsent()).toEqual({
    isNeeded: true,
    hasAgreed: false,
    rules: '2',
    html: '<p>Be kind.</p>',
    minimumAge: 18,
    imprint: 'https://example.org/imprint',
  });
});

test.each([
  ['an older relay', 404, '{"code":"not_found","message":"A sentence."}'],
  ['a proxy', 502, '<h1>502 Bad Gateway</h1>'],
  ['something else', 200, 'null'],
])('%s asks nothing that is known', async (_, status, body) => {
  answers(status, body);
  expect(await askConsent()).toBeNull();
  expect(await tell(CONSENT, 'is_needed' as never)).toBeNull();
});

test.each([
  [204, 'agreed'],
  [409, 'outdated'],
  [403, 'failed'],
  [500, 'failed'],
] as const)('an answer that is met with %i has %s', async (status, outcome) => {
  const fetching = answers(status);
  expect(await giveConsent('2')).toBe(outcome);
  expect(fetching).toHaveBeenCalledWith(
    CONSENT,
    expect.objectContaining({ method: 'POST', body: '{"rules":"2","is_of_age":true}' }),
  );
});

test('nothing is taken for done where no network is', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  expect(await askConsent()).toBeNull();
  expect(await giveConsent('2')).toBe('failed');
  expect(await withdrawConsent()).toBe(false);
});

test('who is forgotten is told so only when it is done', async () => {
  const fetching = answers(204);
  expect(await withdrawConsent()).toBe(true);
  expect(fetching).toHaveBeenCalledWith(CONSENT, expect.objectContaining({ method: 'DELETE' }));
  answers(403);
  expect(await withdrawConsent()).toBe(false);
});
