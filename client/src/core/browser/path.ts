// What the browser's statistics say of the path that its media takes. Pure.

import type { MediaPath } from '../protocol';

type Path = MediaPath['data'];

/** An RTCStatsReport, and what all of its entries have (W3C WebRTC, RTCStats). */
export interface Statistics {
  forEach(look: (entry: unknown) => void): void;
}
export interface AnyEntry {
  readonly id: string;
  readonly type: string;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
}

/** Fields that browsers fill in, and TypeScript's types leave out. */
export type Entry = AnyEntry & {
  readonly selectedCandidatePairId?: string;
  readonly localCandidateId?: string;
  /** Firefox has no `selectedCandidatePairId`. */
  readonly selected?: boolean;
  readonly currentRoundTripTime?: number;
  readonly bytesReceived?: number;
  readonly bytesSent?: number;
  /** Not in Firefox. */
  readonly bytesDiscardedOnSend?: number;
  /** Firefox does not tell it. */
  readonly availableOutgoingBitrate?: number;
  /** Of what is sent; not in Firefox. */
  readonly qualityLimitationReason?: string;
  readonly candidateType?: Path['type'];
  readonly protocol?: Path['protocol'];
  readonly relayProtocol?: Path['relay_protocol'];
};

export function entriesOf<Kind extends AnyEntry>(report: Statistics): Kind[] {
  const entries: Kind[] = [];
  report.forEach((entry) => {
    entries.push(entry as Kind);
  });
  return entries;
}

export function selectedPair(entries: readonly Entry[]): Entry | undefined {
  const selected = entries.find(({ type }) => type === 'transport')?.selectedCandidatePairId;
  return (
    entries.find(({ id }) => id === selected) ??
    entries.find(({ type, selected }) => type === 'candidate-pair' && selected === true)
  );
}

/** Bits per second that the browser believes it can send; null: it does not say. */
export function sendable(report: Statistics): number | null {
  return selectedPair(entriesOf<Entry>(report))?.availableOutgoingBitrate ?? null;
}

/** Whether pictures are made smaller because the path takes, or took, too little. */
export function isScaledDown(report: Statistics): boolean {
  return entriesOf<Entry>(report).some(
    ({ qualityLimitationReason }) => qualityLimitationReason === 'bandwidth',
  );
}

/** Null while no pair is selected. */
export function selectedPath(report: Statistics): Path | null {
  const entries = entriesOf<Entry>(report);
  const pair = selectedPair(entries);
  const local = entries.find(({ id }) => id === pair?.localCandidateId);
  if (local?.candidateType === undefined || local.protocol === undefined) return null;
  return {
    type: local.candidateType,
    protocol: local.protocol,
    relay_protocol: local.relayProtocol ?? null,
  };
}
