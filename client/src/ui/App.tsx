// Owns the page's layout and the subscription to the conversation. Everything below is told by
// props and reads no state of its own from the core.

import { useSyncExternalStore } from 'react';
import type { Conversation } from '../core/conversation';
import styles from './App.module.css';
import { Chat } from './Chat';
import { Controls } from './Controls';
import { Stage } from './Stage';

/** What the page needs of a conversation. */
export type ConversationView = Pick<
  Conversation,
  'snapshot' | 'subscribe' | 'start' | 'next' | 'stop' | 'say'
>;

export function App({ conversation }: { readonly conversation: ConversationView }) {
  const { session, local, partner } = useSyncExternalStore(
    conversation.subscribe,
    conversation.snapshot,
  );
  return (
    <main className={styles.page}>
      <h1 className={styles.title}>Random video chat</h1>
      <div className={styles.stage}>
        <Stage session={session} local={local} partner={partner} />
      </div>
      <div className={styles.controls}>
        <Controls
          session={session}
          onStart={conversation.start}
          onNext={conversation.next}
          onStop={conversation.stop}
        />
        <p className={styles.privacy}>
          Only the stranger you are paired with sees and hears you. Video travels through this
          server.
        </p>
      </div>
      <div className={styles.chat}>
        <Chat session={session} onSay={conversation.say} />
      </div>
    </main>
  );
}
