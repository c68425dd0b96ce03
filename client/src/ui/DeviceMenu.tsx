// Owns the devices' place during a call: a button and the panel that it opens. The browser's popover
// closes it on Escape and on a click beside it.

import { useEffect } from 'preact/hooks';
import type { PersonEvent } from '../core/machine/events';
import { uses } from '../core/machine/sharing';
import type { Session } from '../core/machine/state';
import { devices as words } from '../words';
import styles from './Controls.module.css';
import { DevicePicker } from './DevicePicker';
import { Icon } from './icons';

interface DeviceMenuProps {
  readonly session: Session;
  readonly onAct: (event: PersonEvent) => void;
  readonly onOpen: (open: boolean) => void;
}

export function DeviceMenu({ session, onAct, onOpen }: DeviceMenuProps) {
  // A panel that is taken away while it is open tells nobody.
  useEffect(() => () => onOpen(false), [onOpen]);
  return (
    <>
      <button type="button" className={styles.toggle} popoverTarget="devices" title={words.title}>
        <Icon name="settings" />
        <span className={styles.name}>{words.title}</span>
      </button>
      <section
        id="devices"
        className={styles.menu}
        popover="auto"
        aria-label={words.title}
        onBeforeToggle={({ newState }) => onOpen(newState === 'open')}
      >
        {(['camera', 'microphone'] as const)
          .filter((kind) => uses(session.mode, kind))
          .map((kind) => (
            <DevicePicker key={kind} session={session} kind={kind} onAct={onAct} />
          ))}
      </section>
    </>
  );
}
