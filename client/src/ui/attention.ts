// Owns how a page that nobody looks at tells that somebody is there or writes: by its title, its icon, and a soft sound.

import type { Session } from '../core/machine/state';
import { attention as words } from '../words';
import { chime } from './chime';
import type { FollowedSession } from './conversation_view';
import icon from './favicon.svg';
import newsIcon from './favicon_news.svg';

/** What happened while nobody looked. */
export interface Missed {
  readonly found: boolean;
  readonly messages: number;
}

export const NOTHING: Missed = { found: false, messages: 0 };

/** Pure. Of a conversation that is over, nothing is missed any more. */
export function missed(before: Session, after: Session, earlier: Missed): Missed {
  const { phase } = after;
  if (phase.name !== 'talking') return NOTHING;
  const same = before.phase.name === 'talking' && before.phase.roomId === phase.roomId;
  const seen = same ? (before.chat.at(-1)?.number ?? 0) : 0;
  const news = after.chat.filter(({ from, number }) => from === 'partner' && number > seen).length;
  const so = same ? earlier : { found: true, messages: 0 };
  return news === 0 ? so : { ...so, messages: so.messages + news };
}

/** Pure. */
export function titleFor({ phase }: Session, { found, messages }: Missed): string {
  if (messages > 0) return words.newMessages(messages);
  if (found) return words.someoneIsHere;
  return phase.name === 'waiting' ? words.searching : words.nothingMissed;
}

/** Tells from now on; `audible` says whether the person wants the sound. Returns what ends it. */
export function callForAttention(
  conversation: FollowedSession,
  audible: () => boolean,
): () => void {
  let before = conversation.snapshot().session;
  let so = NOTHING;
  const ofIcon = document.querySelector<HTMLLinkElement>('link[rel="icon"]');

  function look() {
    const { session } = conversation.snapshot();
    if (document.visibilityState === 'visible') so = NOTHING;
    else {
      const now = missed(before, session, so);
      if (now !== so && (now.found || now.messages > 0) && audible()) {
        chime(now.messages > 0 ? 'message' : 'found');
      }
      so = now;
    }
    before = session;
    show(titleFor(session, so), so.found || so.messages > 0 ? newsIcon : icon);
  }

  function show(title: string, href: string) {
    if (document.title !== title) document.title = title;
    if (ofIcon !== null && ofIcon.getAttribute('href') !== href) ofIcon.setAttribute('href', href);
  }

  look();
  const leave = conversation.subscribe(look);
  document.addEventListener('visibilitychange', look);
  return () => {
    leave();
    document.removeEventListener('visibilitychange', look);
  };
}
