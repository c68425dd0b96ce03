// The console's list of conversations.

import { bitrate, count, delay, share } from './figures';

export const title = 'Rooms';
export const nobodyTalks = 'Nobody is talking.';

export const columns = {
  room: 'Room',
  since: 'For',
  one: 'One side',
  other: 'Other side',
  orders: 'Orders',
};

export const end = 'End';
export const endQuestion = 'End it?';

export function oldest(shown: number): string {
  return `These are the ${shown} oldest.`;
}

/** Of one side: what its person sends, gets and sees. */
export const noMedia = 'no media';

export function sends(bits: number): string {
  return `sends ${bitrate(bits)}`;
}

export function gets(bits: number): string {
  return `gets ${bitrate(bits)}`;
}

/** Null: it is not known. */
export function sees(
  framesPerSecond: number,
  height: number | null,
  frozen: number | null,
): string {
  const at = height !== null && height > 0 ? ` at ${height}p` : '';
  const froze = frozen !== null && frozen > 0 ? `, ${share(frozen)} frozen` : '';
  return `sees ${count(Math.round(framesPerSecond))} fps${at}${froze}`;
}

export function loses(up: number, down: number): string {
  return `loses ${share(up)} up, ${share(down)} down`;
}

export function away(roundTrip: number): string {
  return `${delay(roundTrip)} away`;
}

export function firstFrame(seconds: number): string {
  return `first frame ${delay(seconds)}`;
}

export function capped(bits: number): string {
  return `capped at ${bitrate(bits)}`;
}

export function keyframeRequests(requests: number): string {
  return `${count(requests)} keyframe requests`;
}

export function dropped(packets: number): string {
  return `${count(packets)} dropped`;
}
