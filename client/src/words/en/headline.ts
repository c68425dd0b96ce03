// How things stand, where nothing is in the way. Plain words: no codes, and nothing that a person could not act on.

import type { Parting } from '../../core/machine/state';
import type { Mode } from '../../core/protocol';

export const ready = 'Ready when you are';

/** What a press on Start does. */
export const startPairs = 'Start pairs you with someone at random.';

export function startAsks(mode: Mode): string {
  const devices = mode === 'video' ? 'your camera and microphone' : 'your microphone';
  return `Start asks for ${devices}, and pairs you with someone at random.`;
}

export const looking = 'Looking for a partner…';

export function lookingAgain(after: Parting): string {
  return `${parted[after]}. Looking for another…`;
}

export const ownTab =
  'Your other tab is waiting, too. To try it with yourself, open a private window.';

/** What the person shares once a partner is found. */
export const notSeenOrHeard = 'You are not seen or heard until one is found.';
export const notSeen = 'You are not seen until one is found.';
export const notHeard = 'You are not heard until one is found.';
export const withoutDevices: Record<Mode, string> = {
  video: 'You will see and hear them, and they read what you write.',
  audio: 'You will hear them, and they read what you write.',
  text: 'You share nothing but what you write.',
};

/** For the few seconds in which a Next may be undone. */
export const back = 'Back';
export const backAsks = 'Back asks your last partner whether they come back.';
export const backAsked = 'Your last partner is asked whether they come back.';
export const backWished = {
  status: 'Your last partner would like to come back',
  hint: 'Back brings the two of you together again.',
};

export const talking = 'You are talking with a stranger';

export function restarts(within: number): string {
  return `This server restarts in up to ${seconds(within)}`;
}

export const onlyTheTwo = 'Only the two of you read what you write.';
export const bothHear = 'You hear each other, and nobody sees anybody.';
export const nobodySees = 'Nobody sees anybody.';
export const cannotBeShown =
  'Your browser cannot show their kind of picture, and the server is too busy to convert it.';
export const pictureComes = 'Their picture is on its way…';
export const theirCameraIsOff = 'Their camera is off';

/** What is missing in a conversation, and comes back by itself if it can. */
export const partnerAway = {
  status: 'Your partner is reconnecting…',
  hint: 'Their connection was lost. They may be back in a moment.',
};
export const youCanWrite = 'You can still write to each other.';
export const repairingSound = 'Reconnecting sound…';
export const repairing = 'Reconnecting picture and sound…';
export const stoppedSound = 'Your browser stopped the sound';
export const stoppedPicture = 'Your browser stopped the picture';
export const stoppedBy = 'A call or another program may have taken it.';
export const play = 'Play';
export const noPictureYet = 'No picture from your partner yet';
export const noPictureNow = 'No picture from your partner right now';
export const itComes = 'It comes by itself as soon as it gets through.';

export const parted: Record<Parting, string> = {
  next: 'Your partner went on to the next person',
  left: 'Your partner left',
  disconnected: 'Your partner lost their connection',
  operator: 'The operator of this site ended your conversation',
  server_stopping: 'The server had to restart',
  socket_lost: 'Your conversation was cut off',
  while_away: 'Your partner left while you were reconnecting',
};
export const nextFinds = 'Next finds you another.';

export const pause = 'A short pause';

export function goesOnIn(within: number): string {
  return `You moved on very quickly. The search goes on by itself in ${seconds(within)}.`;
}

/** After another hint, or alone. */
export function withSupportCode(hint: string | undefined, code: string): string {
  return `${hint === undefined ? '' : `${hint} `}Support code ${code}.`;
}

/** Seconds that go down beside the words, for eyes alone. */
export function countdown(left: number): string {
  return `${left} s`;
}

export function seconds(count: number): string {
  const whole = Math.max(1, Math.ceil(count));
  return whole === 1 ? 'a second' : `${whole} seconds`;
}
