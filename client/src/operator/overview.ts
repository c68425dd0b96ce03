// What the server says of itself (relay/web/operator/routes.py), and how its last hour is kept here. Pure.

export interface Side {
  user: string;
  path: string | null;
  received: number | null;
  sent: number | null;
  keyframe_requests: number | null;
  dropped: number | null;
  /** Shares of the packets from and to this person that are lost, lately. */
  loss_in: number | null;
  loss_out: number | null;
  round_trip: number | null;
  cap: number | null;
  /** What this person saw, by their browser. */
  frames_per_second: number | null;
  height: number | null;
  frozen: number | null;
  first_frame: number | null;
}

export interface Room {
  room_id: string;
  mode: string;
  seconds: number;
  sides: Side[];
}

export interface Trouble {
  at: number;
  level: string;
  source: string;
  event: string;
  detail: string;
  times: number;
}

/** One reason for which somebody was kept out. */
export interface Refusal {
  reason: string;
  at: number;
  times: number;
  cause: string;
  remedy: string;
}

export const SERIES = [
  'at',
  'people',
  'waiting',
  'talking',
  'arrivals',
  'matches',
  'received',
  'sent',
  'cpu',
  'media_cpu',
  'lag',
  'memory',
  'failures',
  'lost',
  'setup',
  'loss_in',
  'loss_out',
  'frozen',
] as const;

export type SeriesName = (typeof SERIES)[number];
export type Series = Record<SeriesName, (number | null)[]>;

export interface Overview {
  now: number;
  version: string;
  engine: string;
  ready: boolean;
  uptime: number;
  people: number;
  capacity: number;
  /** What limits it. */
  bound: string;
  /** In seconds since 1970; null without TLS. */
  certificate_ends: number | null;
  used: number;
  waiting: number;
  talking: number;
  media_connections: number;
  matches: number;
  cores: number;
  memory: number;
  memory_limit: number;
  interval: number;
  series: Series;
  rooms: Room[];
  rooms_in_all: number;
  refused: Refusal[];
  troubles: Trouble[];
}

/** Seconds that charts show at most. */
export const HOUR = 3600;

/** The time of the newest sample; 0 without any. */
export function newest(series: Series): number {
  return series.at.at(-1) ?? 0;
}

/** The kept samples followed by the new ones, without those older than an hour. */
export function joined(kept: Series, fresh: Series): Series {
  const after = newest(kept);
  const first = fresh.at.findIndex((at) => (at ?? 0) > after);
  if (first < 0) return kept;
  const oldest = newest(fresh) - HOUR;
  const start = kept.at.findIndex((at) => (at ?? 0) >= oldest);
  const result = {} as Series;
  for (const name of SERIES) {
    const before = start < 0 ? [] : kept[name].slice(start);
    result[name] = [...before, ...fresh[name].slice(first)];
  }
  return result;
}

/** The last value that is one; 0 without any. */
export function latest(series: Series, name: SeriesName): number {
  return series[name].findLast((value) => value !== null) ?? 0;
}
