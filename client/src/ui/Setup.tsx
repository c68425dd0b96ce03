// Owns what a person decides before they start: what to share, with which devices, and what happens
// when a partner leaves. It says plainly who will see and hear them.

import type { PersonEvent } from '../core/machine/events';
import { uses } from '../core/machine/sharing';
import type { Session } from '../core/machine/state';
import type { Mode } from '../core/protocol';
import { setup as words } from '../words';
import { DevicePicker } from './DevicePicker';
import { Icon, type IconName } from './icons';
import { KeptChatsButton } from './KeptChatsButton';
import { Links } from './Links';
import styles from './Setup.module.css';
import { supportCode } from './support_code';

interface SetupProps {
  readonly session: Session;
  readonly onAct: (event: PersonEvent) => void;
  /** The person wants to be called when the page is out of sight. */
  readonly sound: boolean;
  readonly onSound: (sound: boolean) => void;
}

const MODES: readonly { readonly mode: Mode; readonly icon: IconName }[] = [
  { mode: 'video', icon: 'camera' },
  { mode: 'audio', icon: 'microphone' },
  { mode: 'text', icon: 'chat' },
];

export function Setup({ session, onAct, sound, onSound }: SetupProps) {
  const { mode, keepSearching } = session;
  const code = supportCode(session);
  return (
    <div className={styles.setup}>
      <div className={styles.modes} role="radiogroup" aria-label={words.whatToShare}>
        {MODES.map(({ mode: each, icon }) => (
          <label key={each} className={styles.mode}>
            <input
              type="radio"
              name="mode"
              checked={mode === each}
              onChange={() => onAct({ type: 'choose_mode', mode: each })}
            />
            <Icon name={icon} />
            {words.modes[each]}
          </label>
        ))}
      </div>
      <p className={styles.privacy}>{words.privacy[mode]}</p>
      {(['camera', 'microphone'] as const)
        .filter((kind) => uses(mode, kind))
        .map((kind) => (
          <DevicePicker key={kind} session={session} kind={kind} onAct={onAct} />
        ))}
      <label className={styles.preference}>
        <input
          type="checkbox"
          checked={keepSearching}
          onChange={({ currentTarget }) =>
            onAct({ type: 'choose_keep_searching', on: currentTarget.checked })
          }
        />
        {words.searchOn}
      </label>
      <label className={styles.preference}>
        <input
          type="checkbox"
          checked={sound}
          onChange={({ currentTarget }) => onSound(currentTarget.checked)}
        />
        {words.softSound}
      </label>
      {session.keepsChats > 0 && <KeptChatsButton />}
      {/* A line that is there from the start, so that nothing moves when its words come. */}
      <footer className={styles.foot}>
        <Links imprint={session.imprint} />
        <p>{code !== null && words.supportCode(code)}</p>
      </footer>
    </div>
  );
}
