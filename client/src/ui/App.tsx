// Owns the page's layout and the subscription to the conversation. Everything below is told by
// props and reads no state of its own from the core.

import { useState, useSyncExternalStore } from 'react';
import type { Conversation, Snapshot } from '../core/conversation';
import { FIRST_STATE } from '../core/state';
import styles from './App.module.css';
import { Chat } from './Chat';
import { Controls } from './Controls';
import { Headline } from './Headline';
import { Icon } from './icons';
import type { Sight } from './PartnerVideo';
import { Setup } from './Setup';
import { Stage } from './Stage';

/** What the page needs of a conversation. */
export type ConversationView = Pick<Conversation, 'snapshot' | 'subscribe' | 'act' | 'painted'>;

/** What is painted before any script runs: nothing was asked of the browser yet. */
const BEFORE: Snapshot = {
  session: { ...FIRST_STATE, capture: { name: 'off' } },
  local: null,
  partner: null,
};

const before = () => BEFORE;

export function App({ conversation }: { readonly conversation: ConversationView }) {
  const { session, local, partner } = useSyncExternalStore(
    conversation.subscribe,
    conversation.snapshot,
    before,
  );
  const ready = useSyncExternalStore(unchanging, isReady, isNotReady);
  const [seen, setSeen] = useState<Sight | null>(null);
  const { phase, mode } = session;
  const sight = phase.name === 'talking' && seen?.roomId === phase.roomId ? seen.picture : null;
  const { act, painted } = conversation;
  return (
    <main
      className={styles.page}
      data-view={phase.name === 'idle' ? 'landing' : 'call'}
      data-mode={mode}
      // Nothing answers before the script is there, and nothing looks as if it did.
      inert={!ready}
    >
      <h1 className={styles.title}>
        <Icon name="chat" size={22} />
        Random video chat
      </h1>
      {/* One element in every state: a live region that comes and goes is not read out. */}
      <Headline session={session} sight={sight} onAct={act} />
      <Stage
        session={session}
        local={local}
        partner={partner}
        pictured={sight === 'moving'}
        onSight={setSeen}
        onPainted={painted}
      />
      {phase.name === 'idle' && <Setup session={session} onAct={act} />}
      <Controls session={session} onAct={act} />
      {phase.name !== 'idle' && <Chat session={session} onAct={act} />}
    </main>
  );
}

/** React's own way of telling what was painted before from what the script goes on with. */
const unchanging = () => () => undefined;
const isReady = () => true;
const isNotReady = () => false;
