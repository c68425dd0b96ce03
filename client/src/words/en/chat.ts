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
