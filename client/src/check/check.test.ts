import { expect, test } from 'vitest';
import { only, overTls } from './attempt';
import { type Outcome, type Path, verdict, wordsFor } from './verdict';

const SDP = [
  'v=0',
  'a=candidate:0 1 udp 1 192.0.2.1 8080 typ host',
  'a=candidate:1 1 tcp 1 192.0.2.1 8080 typ host tcptype passive',
  'a=end-of-candidates',
  '',
].join('\r\n');

const WORKS: Outcome = { state: 'works', milliseconds: 12.4 };
const BLOCKED: Outcome = { state: 'blocked' };

function all(outcome: Outcome, but: Partial<Record<Path, Outcome>> = {}): Record<Path, Outcome> {
  return { WebSocket: outcome, UDP: outcome, TCP: outcome, TURN: outcome, ...but };
}

function barred(why: NonNullable<Extract<Outcome, { state: 'blocked' }>['why']>) {
  return all({ state: 'untried' }, { WebSocket: { state: 'blocked', why } });
}

test('a path is tried with its own candidates only', () => {
  expect(only('UDP', SDP)).toBe(SDP.replace(/a=candidate:1.*\r\n/, ''));
  expect(only('TCP', SDP)).toBe(SDP.replace(/a=candidate:0.*\r\n/, ''));
});

test('TURN over TLS is one of the servers at least', () => {
  const plain = { urls: ['turn:192.0.2.1:443?transport=tcp'] };
  expect(overTls([plain])).toBe(false);
  expect(overTls([plain, { urls: [...plain.urls, 'turns:talk.example:443?transport=tcp'] }])).toBe(
    true,
  );
});

test('an outcome is told in words', () => {
  expect(wordsFor(WORKS)).toBe('Works, 12 ms');
  expect(wordsFor({ ...WORKS, withoutTls: true })).toBe('Works, 12 ms, without TLS');
  expect(wordsFor({ state: 'absent' })).toBe('Not set up');
  expect(wordsFor({ state: 'untried' })).toBe('Not tried');
});

test.each([
  [all(WORKS), 'Video chat works from here.'],
  [all(WORKS, { UDP: BLOCKED }), 'over TCP'],
  [all(BLOCKED, { WebSocket: WORKS, TURN: WORKS }), 'through TURN'],
  [all(BLOCKED, { WebSocket: WORKS }), 'Only text works'],
  [all({ state: 'untried' }, { WebSocket: WORKS }), 'try again later'],
  [all(BLOCKED), 'WebSocket was not'],
  [barred('no_websocket'), 'Upgrade and Connection'],
  [barred('origin_refused'), 'RELAY_ALLOWED_ORIGINS'],
  [barred('host_refused'), 'RELAY_HOSTS'],
  [barred('too_many_connections'), 'RELAY_TRUSTED_PROXIES'],
  [barred('server_full'), 'The server is full'],
  [barred('server_draining'), 'about to restart'],
  [barred('not_there'), 'not the relay'],
  [all(WORKS, { TURN: { state: 'trying' } }), 'up to fifteen seconds'],
] as const)('the verdict names what to do', (outcomes, words) => {
  expect(verdict(outcomes)).toContain(words);
});
