// What is written to each other: the log and the box below it.

import type { ChatEntry, WhyUnsent } from '../../core/machine/chat_log';

export const title = 'Messages';
export const log = 'Chat';
export const sayHello = 'Say hello.';
export const notYet = 'Messages appear here once you are talking.';
export const partnerTyping = 'Your partner is typing…';

export function unread(count: number): string {
  return `${count} new`;
}

/** For who sees neither the side nor the colour. */
export const writers: Record<ChatEntry['from'], string> = {
  me: 'You:',
  partner: 'Partner:',
  notice: 'Server:',
};

export const sending = 'Sending…';
export const sent = 'Sent';
export const retry = 'Retry';
export const sendAllAgain = 'Send all again';

export const notSent = 'Not sent';

export function notSentBecause(reason: string): string {
  return `Not sent: ${reason}`;
}

/** Beyond that it was not sent, in words that say what to do, or whose fault it is. */
export const reasons: Partial<Record<WhyUnsent, string>> = {
  rate_limited: 'too fast. Wait a moment.',
  message_too_large: 'it is too long.',
  out_of_turn: 'your partner was gone.',
  invalid_message: 'the server could not read it.',
  internal: 'the server made a mistake.',
  unanswered: 'the server did not answer.',
  cut_off: 'the connection was lost.',
};

export const message = 'Message';
export const send = 'Send';
export const begunForAnother =
  'You began this in another conversation. Send again to send it here.';

/** `left`: characters that may be written yet; below zero, those that are too many. */
export function charactersLeft(left: number): string {
  const characters = Math.abs(left) === 1 ? 'character' : 'characters';
  return left < 0 ? `${-left} ${characters} too many` : `${left} ${characters} left`;
}

// Whether it is kept.

const DATE = new Intl.DateTimeFormat('en', { dateStyle: 'long' });

/** `until` is in seconds since 1970. */
export function keptUntil(until: number): string {
  return `Kept for you both until ${DATE.format(until * 1000)}.`;
}

export function keepMeans(days: number): string {
  return `If you both want it, what you write from then on is kept for ${days === 1 ? 'a day' : `${days} days`}, for the two of you alone. Either can erase it for both.`;
}

export function keep(partnerAsks: boolean): string {
  return partnerAsks ? 'Keep it too' : 'Keep this chat';
}

export function keepNoMore(isKept: boolean): string {
  return isKept ? 'Erase it for both' : 'Never mind';
}

export const keepNoMoreMeans = 'Nothing of this chat is kept then, for either of you.';
export const isNotKept = 'Nothing here is kept.';
export const partnerIsAsked = 'Your partner is asked whether to keep this chat.';
export const partnerAsks = 'Your partner would like to keep this chat.';
export const beginsToBeKept = 'You both want to keep this chat. One moment…';
export const notKeptAnyMore = 'This chat is not kept any more.';
