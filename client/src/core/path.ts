// What the browser's statistics say of the way that its media takes. Pure.

import type { MediaPath } from './protocol';

type Path = MediaPath['data'];

/** Fields of RTCStats that browsers fill in and TypeScript's types leave out. */
type Entry = RTCStats & {
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  /** Firefox has no `selectedCandidatePairId`. */
  readonly selected?: boolean;
  readonly candidateType?: Path['type'];
  readonly protocol?: Path['protocol'];
  readonly relayProtocol?: Path['relay_protocol'];
};

/** Null while no pair is selected. */
export function selectedPath(report: RTCStatsReport): Path | null {
  const entries: Entry[] = [];
  report.forEach((entry: Entry) => {
    entries.push(entry);
  });
  const pair =
    entries.find(
      ({ id }) => id === entries.find(({ type }) => type === 'transport')?.selectedCandidatePairId,
    ) ?? entries.find(({ type, selected }) => type === 'candidate-pair' && selected === true);
  const local = entries.find(({ id }) => id === pair?.localCandidateId);
  if (local?.candidateType === undefined || local.protocol === undefined) return null;
  return {
    type: local.candidateType,
    protocol: local.protocol,
    relay_protocol: local.relayProtocol ?? null,
  };
}
