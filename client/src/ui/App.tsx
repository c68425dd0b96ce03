// Owns the page's layout and the subscription to the conversation. Everything below is told by
// props and reads no state of its own from the core.

import { useCallback, useEffect, useLayoutEffect, useState } from 'preact/hooks';
import type { Snapshot } from '../core/conversation';
import type { PersonEvent } from '../core/machine/events';
import { type Seen, type Sight, sightsIn, together } from '../core/machine/expected';
import { NOTHING_RECEIVED, type Seat } from '../core/machine/lines';
import { FIRST_STATE } from '../core/machine/state';
import { page } from '../words';
import { Account } from './Account';
import { Announcer } from './Announcer';
import styles from './App.module.css';
import { type AccountView, NO_ACCOUNTS } from './accounts';
import { Chat } from './Chat';
import { Consent } from './Consent';
import { Controls } from './Controls';
import type { ConversationView } from './conversation_view';
import { useFollowed } from './followed';
import { Headline } from './Headline';
import { Icon } from './icons';
import type { SoundSwitch } from './preferences';
import { Setup } from './Setup';
import { Stage } from './Stage';
import { followVisibleHeight } from './visible_height';

interface AppProps {
  readonly conversation: ConversationView;
  readonly preferences: SoundSwitch;
  readonly account: AccountView;
}

/** What is painted before any script runs. */
const BEFORE: Snapshot = { session: FIRST_STATE, local: null, received: NOTHING_RECEIVED };

export function App({ conversation, preferences, account }: AppProps) {
  const { session, local, received } = useFollowed(
    conversation.subscribe,
    conversation.snapshot,
    BEFORE,
  );
  const [ready, setReady] = useState(false);
  useLayoutEffect(() => setReady(true), []);
  const sound = useFollowed(preferences.subscribe, preferences.sound, true);
  const [seen, setSeen] = useState<Seen>(new Map());
  const noteSeen = useCallback(
    (seat: Seat, roomId: string, sight: Sight | null) =>
      setSeen((earlier) => new Map(earlier).set(seat, { roomId, sight })),
    [],
  );
  useEffect(followVisibleHeight, []);
  const signing = useFollowed(account.subscribe, account.state, NO_ACCOUNTS);
  const { accountAsked } = session;
  useEffect(() => {
    if (accountAsked > 0) account.show(true);
  }, [accountAsked, account]);
  const { phase, mode, socket, imprint } = session;
  const sights = sightsIn(session, seen);
  const view = phase.name === 'idle' ? 'landing' : 'call';
  const { painted, loudness, showIn } = conversation;
  const act = (event: PersonEvent) => {
    const isNeeded = signing.accounts === 'required' && signing.account === null;
    if (event.type === 'start' && isNeeded) account.show(true);
    else conversation.act(event);
  };
  return (
    <div className={styles.window} data-view={view}>
      {/* Nothing answers before the script is there, and nothing looks as if it did. */}
      <main className={styles.page} data-view={view} data-mode={mode} inert={!ready}>
        <h1 className={styles.title}>
          <Icon name="chat" size={22} />
          {page.name}
        </h1>
        {view === 'landing' && <Account state={signing} account={account} />}
        {/* One element in every state: a live region that comes and goes is not read out. */}
        <Headline session={session} sight={together(sights)} onAct={act} />
        <Announcer session={session} />
        <Stage
          session={session}
          local={local}
          received={received}
          sights={sights}
          loudness={loudness}
          onShown={showIn}
          onAct={act}
          onSeen={noteSeen}
          onPainted={painted}
        />
        {phase.name === 'idle' && (
          <Setup session={session} onAct={act} sound={sound} onSound={preferences.choose} />
        )}
        <Controls session={session} onAct={act} />
        {phase.name !== 'idle' && <Chat session={session} onAct={act} />}
      </main>
      {socket.name === 'held' && socket.consent.name !== 'unknown' && (
        <Consent consent={socket.consent} imprint={imprint} onAct={act} />
      )}
    </div>
  );
}
