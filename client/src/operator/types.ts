// What the server says of itself. Generated from relay/web/operator/routes.py, relay/web/operator/staff.py,
// relay/web/operator/audit.py, relay/auth/printed.py, relay/figures/history.py and relay/store/analytics.py by
// `make protocol`.

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
export type Series = Readonly<Record<SeriesName, readonly (number | null)[]>>;

/** One person's end of a conversation. None where there is no media connection, or it is not counted by peer. */
export interface Side {
  readonly user: string;
  readonly path: string | null;
  readonly received: number | null;
  readonly sent: number | null;
  readonly keyframe_requests: number | null;
  readonly dropped: number | null;
  readonly loss_in: number | null;
  readonly loss_out: number | null;
  readonly round_trip: number | null;
  readonly cap: number | null;
  readonly frames_per_second: number | null;
  readonly height: number | null;
  readonly frozen: number | null;
  readonly first_frame: number | null;
}

/** One conversation. */
export interface Room {
  readonly room_id: string;
  readonly mode: string;
  readonly seconds: number;
  readonly sides: readonly Side[];
}

/** One kind of warning or error; `at` is when it last came, in seconds since 1970. */
export interface Trouble {
  readonly at: number;
  readonly level: string;
  readonly source: string;
  readonly event: string;
  readonly detail: string;
  readonly times: number;
}

/** One reason for which somebody was kept out; `at` is when last, in seconds since 1970. */
export interface Refusal {
  readonly reason: string;
  readonly at: number;
  readonly times: number;
  readonly cause: string;
  readonly remedy: string;
}

/** Everything at a glance. `series` has one list for each field of `relay.figures.history.Sample`. */
export interface Overview {
  readonly now: number;
  readonly version: string;
  readonly engine: string;
  readonly ready: boolean;
  readonly uptime: number;
  readonly people: number;
  readonly capacity: number;
  readonly bound: string;
  readonly certificate_ends: number | null;
  readonly used: number;
  readonly waiting: number;
  readonly talking: number;
  readonly media_connections: number;
  readonly matches: number;
  readonly cores: number;
  readonly memory: number;
  readonly memory_limit: number;
  readonly interval: number;
  readonly series: Series;
  readonly rooms: readonly Room[];
  readonly rooms_in_all: number;
  readonly refused: readonly Refusal[];
  readonly troubles: readonly Trouble[];
}

/** An hour or a day, as far as it is over. Means are in seconds; None: there was nothing to take one of. */
export interface Period {
  readonly at: number;
  readonly people: number;
  readonly waits: number;
  readonly mean_wait: number | null;
  readonly rooms_video: number;
  readonly rooms_audio: number;
  readonly rooms_text: number;
  readonly ended_next: number;
  readonly ended_left: number;
  readonly ended_disconnected: number;
  readonly ended_operator: number;
  readonly ended_server_stopping: number;
  readonly mean_room: number | null;
  readonly mean_visit: number | null;
  readonly connected: number;
  readonly failed: number;
  readonly success: number | null;
  readonly new_visitors: number;
  readonly returned_visitors: number;
  readonly retention: number | null;
}

/** Periods without a gap, the oldest first; `total` is all of them as one. */
export interface Analytics {
  readonly step: number;
  readonly periods: readonly Period[];
  readonly total: Period;
}

/** Who is signed in. */
export interface Me {
  readonly name: string;
  readonly roles: readonly string[];
  readonly scopes: readonly string[];
  readonly ends: number;
}

/** One of the staff. Times are in seconds since 1970. */
export interface Colleague {
  readonly id: string;
  readonly name: string;
  readonly roles: readonly string[];
  readonly passkeys: number;
  readonly seen: number | null;
  readonly link_ends: number | null;
}

/** A link for somebody: said once, to who asked for it. */
export interface Opened {
  readonly link: string;
  readonly seconds: number;
}

/** An entry as it is printed; bytes in hexadecimal digits. */
export interface AuditEntry {
  readonly n: number;
  readonly at: number;
  readonly who: string;
  readonly what: string;
  readonly subject: string;
  readonly detail: unknown;
  readonly previous: string;
  readonly hash: string;
  readonly signature: string;
}

/** Some of the audit log, the latest first. */
export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  readonly before: number | null;
}
