import { expect, test } from 'vitest';
import { selectedPath, sendable } from './path';

function report(...entries: readonly (Record<string, unknown> & { id: string })[]): RTCStatsReport {
  return new Map(entries.map((entry) => [entry.id, entry])) as unknown as RTCStatsReport;
}

const RELAYED = { id: 'l1', type: 'local-candidate', candidateType: 'relay', protocol: 'udp' };
const DIRECT = { id: 'l2', type: 'local-candidate', candidateType: 'prflx', protocol: 'tcp' };
const PAIRS = [
  { id: 'p1', type: 'candidate-pair', localCandidateId: 'l1' },
  { id: 'p2', type: 'candidate-pair', localCandidateId: 'l2' },
] as const;

test('the path is that of the pair which the transport has selected', () => {
  const transport = { id: 't', type: 'transport', selectedCandidatePairId: 'p2' };
  expect(selectedPath(report(RELAYED, DIRECT, ...PAIRS, transport))).toEqual({
    type: 'prflx',
    protocol: 'tcp',
    relay_protocol: null,
  });
});

test('a TURN server is told with how it is reached', () => {
  const transport = { id: 't', type: 'transport', selectedCandidatePairId: 'p1' };
  const relayed = { ...RELAYED, relayProtocol: 'tls' };
  expect(selectedPath(report(relayed, ...PAIRS, transport))?.relay_protocol).toBe('tls');
});

test('Firefox marks the pair itself', () => {
  const selected = { ...PAIRS[1], selected: true };
  expect(selectedPath(report(RELAYED, DIRECT, PAIRS[0], selected))?.protocol).toBe('tcp');
});

test('without a selected pair there is no path', () => {
  expect(selectedPath(report(RELAYED, DIRECT, ...PAIRS))).toBeNull();
});

test('what the browser believes it can send is that of the selected pair', () => {
  const transport = { id: 't', type: 'transport', selectedCandidatePairId: 'p1' };
  const pair = { ...PAIRS[0], availableOutgoingBitrate: 300_000 };
  expect(sendable(report(pair, PAIRS[1], transport))).toBe(300_000);
  expect(sendable(report(...PAIRS, transport))).toBeNull();
});
