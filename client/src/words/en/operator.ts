// The operator's console, but for its list of rooms (rooms.ts). Figures come as numbers: how they read is figures.ts's to say.

import { bitrate, bytes, count, duration, share } from './figures';

export const title = 'Relay operator';
export const token = 'Operator’s token';
export const open = 'Open';
export const signIn = 'Sign in with a passkey';
export const or = 'or';
export const looking = 'Looking…';
/** Around the name of the setting. */
export const tokenIs = 'The token is the server’s';
export const tokenIsKept = 'It is kept until you lock or reload this page.';

export const heading = 'Relay';
export const notAnswering = 'Not answering';
export const takingPeople = 'Taking people';
export const draining = 'Draining';

export function about(version: string, engine: string, uptime: number): string {
  return `${version} · ${engine} · up ${duration(uptime)}`;
}

/** Seconds until it ends, as part of a line. */
export function certificate(left: number): string {
  return left > 0 ? ` · certificate ends in ${duration(left)}` : ' · certificate has ended';
}

export const cleanUp = 'Clean up';
export const cleanUpTitle = 'Removes what vanished people left. There should be nothing.';
export const drain = 'Drain';
export const drainQuestion = 'Take nobody any more, and end?';
export const lock = 'Lock';
export const no = 'No';

export function stale(why: string): string {
  return `${why} What you see is the last that it said.`;
}

export const now = 'Now';
export const talking = 'Talking';
export const waiting = 'Waiting';
export const connected = 'Connected';
export const traffic = 'Traffic';
export const cpu = 'CPU';
export const memory = 'Memory';

export function ofRooms(rooms: number): string {
  return rooms === 1 ? '1 room' : `${count(rooms)} rooms`;
}

export function ofMatches(matches: number): string {
  return matches === 1 ? '1 match so far' : `${count(matches)} matches so far`;
}

export function ofCapacity(capacity: number, bound: string, used: number): string {
  return `of ${count(capacity)} by ${bound} · ${share(used)} of capacity`;
}

export function outAndIn(received: number): string {
  return `out · ${bitrate(received)} in`;
}

export function ofCores(cores: number): string {
  return cores === 1 ? 'of 1 core' : `of ${count(cores)} cores`;
}

export function ofMemory(limit: number): string {
  return `of ${bytes(limit)}`;
}

export function used(name: string): string {
  return `${name} used`;
}

export const lastHour = 'The last hour';
export const noFiguresYet = 'The first figures come in a few seconds.';

/** Each chart's title, and its lines' names. */
export const charts = {
  people: { title: 'People', talking: 'talking', connected: 'connected' },
  arrivals: {
    title: 'Arrivals and matches a minute',
    arrivals: 'arrivals',
    matches: 'matches',
  },
  traffic: { title: 'Traffic', out: 'out', in: 'in' },
  cpu: { title: 'CPU', all: 'all cores', media: 'busiest media thread' },
  delay: { title: 'Event loop’s delay, set-up time', lag: 'delay', setup: 'set-up' },
  loss: { title: 'Lost on people’s links', in: 'from them', out: 'to them' },
  frozen: { title: 'Pictures frozen, of the time', frozen: 'frozen' },
  failures: {
    title: 'Failures a minute, drops a second',
    failures: 'failures',
    dropped: 'dropped here',
  },
  came: { title: 'People who came', people: 'people' },
  visitors: {
    title: 'Visitors who agreed to the rules',
    new: 'for the first time',
    returned: 'on an earlier day',
  },
  retention: { title: 'Visitors who came back', share: 'of all' },
  rooms: { title: 'Conversations', video: 'video', audio: 'audio', text: 'text' },
  ended: {
    title: 'How conversations ended',
    next: 'Next',
    left: 'somebody left',
    disconnected: 'connection lost',
  },
  wait: { title: 'Wait for a partner', mean: 'mean' },
  length: { title: 'How long', rooms: 'conversation', visits: 'visit' },
  success: { title: 'Media connections that came about', share: 'of all' },
};

export const daysPast = 'Days past';

export function byStep(step: 'hour' | 'day'): string {
  return step === 'hour' ? 'by the hour' : 'by the day, in UTC';
}

/** A choice of how much is shown. */
export function spanOf(days: number): string {
  return days === 1 ? '24 hours' : `${days} days`;
}

export const table = 'Table (CSV)';

/** Of the file. */
export function tableName(days: number): string {
  return `relay-${days === 1 ? '24-hours' : `${days}-days`}.csv`;
}

const DAYS = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  timeZone: 'UTC',
});
const HOURS = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
});

/** Seconds since 1970, as a day of UTC: `Mon, 30 Nov`. */
export function dayOf(at: number): string {
  return DAYS.format(at * 1000);
}

/** Seconds since 1970, as an hour where the page is read: `Mon 30 Nov, 14:00`. */
export function hourOf(at: number): string {
  return HOURS.format(at * 1000);
}

export const refused = 'Refused';
export const nobodyRefused = 'Nobody was kept out.';

export function agoInAll(seconds: number, times: number): string {
  return `${duration(seconds)} ago, ${times === 1 ? 'once' : `${count(times)} times`}`;
}

export const troublesLabel = 'Recent errors';
export const troubles = 'Recent errors and warnings';
export const noTroubles = 'Nothing went wrong.';

export function ago(seconds: number, times: number): string {
  return `${duration(seconds)} ago${times > 1 ? `, ${count(times)} times` : ''}`;
}

/** What became of an order, and of a question. */
export const roomEnded = 'The room was ended.';
export const drains = 'The server takes nobody any more, and ends when conversations have.';

export function cleanedUp(people: number): string {
  return people === 0 ? 'There was nothing to clean up.' : `Cleaned up after ${people} people.`;
}

export const unreachable = 'The server does not answer.';

/** `wait`: seconds. */
export function tooManyAttempts(wait: string): string {
  return `There were too many wrong attempts. Try again in ${wait} seconds.`;
}

export function answeredWith(status: number): string {
  return `The server answered with ${status}.`;
}

/** Of the staff, in lists and sentences. */
export const role = { moderator: 'Moderator', operator: 'Operator', auditor: 'Auditor' };
export const mayDo = {
  moderator: 'Sees who talks, and ends rooms.',
  operator: 'Does that, looks after the server, and says who is on the staff.',
  auditor: 'Reads what staff did.',
};

export function rolesOf(roles: readonly string[]): string {
  return roles.map((each) => role[each as keyof typeof role] ?? each).join(', ');
}

export function welcome(name: string): string {
  return `Welcome, ${name}`;
}

export function youAre(roles: readonly string[]): string {
  return `On the staff as: ${rolesOf(roles)}.`;
}

export const passkeyIs =
  'You sign in with a passkey: your fingerprint, your face, a PIN or a security key. It stays with your device or your password manager.';
export const makePasskey = 'Make a passkey';
export const noPasskeyMade = 'No passkey was made. Try again.';
export const noPasskeyUsed = 'No passkey was used. Try again.';
export const noPasskeysHere =
  'This browser has no passkeys, or the page was not opened by HTTPS. Open the link in another browser.';
export const toSignIn = 'To the sign-in';
export const signOut = 'Sign out';

export const again = 'Is it still you?';
export const whyAgain = 'This wants your passkey once more.';
export const showIt = 'Use the passkey';
export const cancel = 'Cancel';
export const leftAlone = 'Nothing was changed.';

export const staff = 'Staff';
export const nobodyOnStaff = 'Nobody is on the staff yet.';
export const name = 'Name';
export const roles = 'Roles';
export const letIn = 'Let in';
export const newLink = 'New link';
export const remove = 'Remove';
export const copy = 'Copy';
export const copied = 'Copied';

export function linkFor(who: string): string {
  return `New link for ${who}`;
}

export function removeQuestion(who: string): string {
  return `Take ${who} off the staff?`;
}

export function linkIs(who: string): string {
  return `For ${who}, once, within half an hour. It is not shown again.`;
}

/** `seen`: seconds since 1970. */
export function howIn(passkeys: number, seen: number | null, isInvited: boolean): string {
  const parts = [passkeys === 1 ? '1 passkey' : `${passkeys} passkeys`];
  if (seen !== null) parts.push(`seen ${momentOf(seen)}`);
  if (isInvited) parts.push('a link is open');
  return parts.join(' · ');
}

export const audit = 'Audit log';
export const lookAgain = 'Look again';
export const older = 'Older';
export const nothingDone = 'Nothing was done yet.';

const MOMENTS = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});

/** Seconds since 1970, where the page is read. */
export function momentOf(at: number): string {
  return MOMENTS.format(at * 1000);
}

/** A word of the audit log, such as `room_ended`. */
export function deed(what: string): string {
  return what.replaceAll('_', ' ');
}
