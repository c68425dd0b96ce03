// What the page needs of a conversation. Types only: a test, and the first screen, have one of their own.

import type { Conversation } from '../core/conversation';
import type { Session } from '../core/machine/state';

export type ConversationView = Pick<
  Conversation,
  'snapshot' | 'subscribe' | 'act' | 'painted' | 'loudness' | 'showIn'
>;

/** What follows the session, and draws nothing. */
export interface FollowedSession extends Pick<Conversation, 'subscribe'> {
  snapshot(): { readonly session: Session };
}

/** What acts for the person besides. */
export type DrivenSession = FollowedSession & Pick<Conversation, 'act'>;
