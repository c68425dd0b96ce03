// Owns what a person decides before they start: what to share, with which devices, and what happens
// when a partner leaves. It says plainly who will see and hear them.

import type { Mode } from '../core/protocol';
import { uses } from '../core/sharing';
import type { PersonEvent, Session } from '../core/state';
import { DevicePicker } from './DevicePicker';
import { Icon, type IconName } from './icons';
import styles from './Setup.module.css';
import { supportCode } from './support_code';

interface SetupProps {
  readonly session: Session;
  readonly onAct: (event: PersonEvent) => void;
  /** The person wants to be called when the page is out of sight. */
  readonly sound: boolean;
  readonly onSound: (sound: boolean) => void;
}

const MODES: readonly { readonly mode: Mode; readonly name: string; readonly icon: IconName }[] = [
  { mode: 'video', name: 'Video', icon: 'camera' },
  { mode: 'audio', name: 'Audio only', icon: 'microphone' },
  { mode: 'text', name: 'Text only', icon: 'chat' },
];

const PRIVACY: Record<Mode, string> = {
  video:
    'Nobody sees or hears you until you are paired, and then only your partner does. Picture and sound travel through this server, so your partner never learns your network address.',
  audio:
    'Nobody hears you until you are paired, and then only your partner does. Sound travels through this server, so your partner never learns your network address.',
  text: 'Your camera and microphone stay closed. Only your partner reads what you write, and never learns your network address.',
};

export function Setup({ session, onAct, sound, onSound }: SetupProps) {
  const { mode, keepSearching } = session;
  const code = supportCode(session);
  return (
    <div className={styles.setup}>
      <div className={styles.modes} role="radiogroup" aria-label="What to share">
        {MODES.map(({ mode: each, name, icon }) => (
          <label key={each} className={styles.mode}>
            <input
              type="radio"
              name="mode"
              checked={mode === each}
              onChange={() => onAct({ type: 'choose_mode', mode: each })}
            />
            <Icon name={icon} />
            {name}
          </label>
        ))}
      </div>
      <p className={styles.privacy}>{PRIVACY[mode]}</p>
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
        Search on when my partner leaves
      </label>
      <label className={styles.preference}>
        <input
          type="checkbox"
          checked={sound}
          onChange={({ currentTarget }) => onSound(currentTarget.checked)}
        />
        Soft sound when I am in another tab
      </label>
      {/* A line that is there from the start, so that nothing moves when its words come. */}
      <p className={styles.support}>{code === null ? '\u00a0' : `Support code ${code}`}</p>
    </div>
  );
}
