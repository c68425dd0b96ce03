// How a conversation was between two looks at the browser's statistics (W3C webrtc-stats). Pure.

import type { QualityReport } from '../protocol';
import {
  type AnyEntry,
  type Entry,
  entriesOf,
  type Statistics,
  selectedPair,
  selectedPath,
} from './path';

export type Quality = Omit<QualityReport['data'], 'room_id'>;

/** What the statistics said at one moment: counts since the connection began, of what comes from the relay. */
export interface Reading {
  /** Milliseconds. */
  readonly at: number;
  readonly received: number;
  readonly lost: number;
  readonly decoded: number;
  /** Null: this browser does not count freezes. */
  readonly freezes: number | null;
  readonly frozenSeconds: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly roundTrip: number | null;
  readonly path: Quality['path'];
}

/** What there is to see of the others: nothing is expected, the first frame is to come, or it has come. */
export type Picture = 'none' | 'awaited' | 'there';

type Inbound = AnyEntry & {
  readonly kind?: 'audio' | 'video';
  readonly packetsReceived?: number;
  readonly packetsLost?: number;
  readonly framesDecoded?: number;
  readonly freezeCount?: number;
  readonly totalFreezesDuration?: number;
  readonly frameWidth?: number;
  readonly frameHeight?: number;
};

/** The bounds in relay/protocol/README.md. A browser that oversteps them is cut off rather than refused. */
const MOST = {
  seconds: 3600,
  framesPerSecond: 240,
  freezes: 1000,
  pixels: 16_384,
  roundTrip: 60,
} as const;

export function read(report: Statistics): Reading {
  const streams = entriesOf<Inbound>(report).filter(({ type }) => type === 'inbound-rtp');
  const videos = streams.filter(({ kind }) => kind === 'video');
  const sum = (of: readonly Inbound[], count: (one: Inbound) => number | undefined) =>
    of.reduce((before, one) => before + (count(one) ?? 0), 0);
  const counts = videos.some(({ freezeCount }) => freezeCount !== undefined);
  const picture = videos.find(({ frameHeight }) => frameHeight !== undefined);
  return {
    at: Math.max(0, ...entriesOf<AnyEntry>(report).map(({ timestamp }) => timestamp)),
    received: sum(streams, ({ packetsReceived }) => packetsReceived),
    lost: sum(streams, ({ packetsLost }) => packetsLost),
    decoded: sum(videos, ({ framesDecoded }) => framesDecoded),
    freezes: counts ? sum(videos, ({ freezeCount }) => freezeCount) : null,
    frozenSeconds: counts ? sum(videos, ({ totalFreezesDuration }) => totalFreezesDuration) : null,
    width: picture?.frameWidth ?? null,
    height: picture?.frameHeight ?? null,
    roundTrip: selectedPair(entriesOf<Entry>(report))?.currentRoundTripTime ?? null,
    path: selectedPath(report),
  };
}

/** Null where they are not of one connection, or of one moment. */
export function between(before: Reading, after: Reading, picture: Picture): Quality | null {
  const seconds = (after.at - before.at) / 1000;
  const received = after.received - before.received;
  if (seconds <= 0 || received < 0 || after.decoded < before.decoded) return null;
  // A packet that comes late after all takes from the count of the lost.
  const lost = Math.max(0, after.lost - before.lost);
  const isThere = picture === 'there';
  return {
    seconds: bounded(seconds, MOST.seconds),
    frames_per_second:
      picture === 'none'
        ? null
        : bounded((after.decoded - before.decoded) / seconds, MOST.framesPerSecond),
    freezes: isThere ? grown(before.freezes, after.freezes, MOST.freezes) : null,
    frozen_seconds: isThere ? grown(before.frozenSeconds, after.frozenSeconds, MOST.seconds) : null,
    width: isThere && after.width !== null ? bounded(after.width, MOST.pixels) : null,
    height: isThere && after.height !== null ? bounded(after.height, MOST.pixels) : null,
    loss: lost + received > 0 ? bounded(lost / (lost + received), 1) : null,
    round_trip: after.roundTrip === null ? null : bounded(after.roundTrip, MOST.roundTrip),
    path: after.path ?? null,
  };
}

function grown(before: number | null, after: number | null, most: number): number | null {
  return before === null || after === null ? null : bounded(after - before, most);
}

function bounded(value: number, most: number): number {
  return Math.min(most, Math.max(0, Math.round(value * 10_000) / 10_000));
}
