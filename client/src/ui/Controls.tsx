// Owns the buttons. Start and Next are one element with two names, so that a keyboard's focus stays
// on it from the first partner to the last.

import { useCallback, useEffect, useRef } from 'preact/hooks';
import type { DeviceKind } from '../core/machine/devices';
import type { PersonEvent } from '../core/machine/events';
import { maySearch } from '../core/machine/obstacle';
import { uses } from '../core/machine/sharing';
import type { Session } from '../core/machine/state';
import { controls as words } from '../words';
import styles from './Controls.module.css';
import { DeviceMenu } from './DeviceMenu';
import { Icon } from './icons';

interface ControlsProps {
  readonly session: Session;
  readonly onAct: (event: PersonEvent) => void;
}

export function Controls({ session, onAct }: ControlsProps) {
  const primary = useRef<HTMLButtonElement>(null);
  const idle = session.phase.name === 'idle';
  // Not state: a key that follows at once must find it already.
  const menuOpen = useRef(false);
  const noteMenu = useCallback((open: boolean) => {
    menuOpen.current = open;
  }, []);
  useEscape(() => !menuOpen.current && !idle && onAct({ type: 'escape' }));

  function stop() {
    // Stop is about to vanish from under the focus.
    primary.current?.focus();
    onAct({ type: 'stop' });
  }

  return (
    <div className={styles.controls}>
      <button
        ref={primary}
        type="button"
        className={styles.primary}
        // Not `disabled`: the focus would be lost while the browser asks, and at each turn of a search.
        aria-disabled={!maySearch(session)}
        {...(!idle && { 'aria-keyshortcuts': 'Escape', title: words.nextTitle })}
        onClick={() => onAct({ type: idle ? 'start' : 'next' })}
      >
        <Icon name={idle ? 'start' : 'next'} />
        {session.unsure ? words.really : idle ? words.start : words.next}
      </button>
      {!idle && (
        <button type="button" className={styles.secondary} onClick={stop}>
          <Icon name="stop" />
          {words.stop}
        </button>
      )}
      {session.mode !== 'text' && (
        <div className={styles.devices}>
          <Toggle kind="microphone" session={session} onAct={onAct} />
          {uses(session.mode, 'camera') && <Toggle kind="camera" session={session} onAct={onAct} />}
          {!idle && <DeviceMenu session={session} onAct={onAct} onOpen={noteMenu} />}
        </div>
      )}
    </div>
  );
}

/** Named by what it will do, so it has no pressed state beside it. */
function Toggle({ kind, session, onAct }: ControlsProps & { readonly kind: DeviceKind }) {
  const on = session.on[kind];
  const name = words.toggles[kind][on ? 'on' : 'off'];
  const { capture } = session;
  // There is nothing to turn off, and it does not look as if there were.
  const missing = capture.name === 'open' && capture.using[kind] === null;
  return (
    <button
      type="button"
      className={styles.toggle}
      data-on={on}
      title={missing ? undefined : name}
      disabled={missing}
      onClick={() => onAct({ type: 'toggle', kind })}
    >
      <Icon name={on && !missing ? kind : `${kind}_off`} />
      <span className={styles.name}>{name}</span>
    </button>
  );
}

/** A held key is pressed once, and anyone who chooses or composes something means that by Escape. */
function useEscape(pressed: () => void): void {
  useEffect(() => {
    function note(event: KeyboardEvent) {
      if (event.key !== 'Escape' || event.repeat || event.isComposing) return;
      if (event.defaultPrevented || event.target instanceof HTMLSelectElement) return;
      pressed();
    }
    window.addEventListener('keydown', note);
    return () => window.removeEventListener('keydown', note);
  }, [pressed]);
}
