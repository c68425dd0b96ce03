// Owns the words about the state of things and the button that leads on. Only the headline is a live
// region: the hint repeats what is on the page, and would be read out at every turn.

import { useRef } from 'preact/hooks';
import type { PersonEvent } from '../core/machine/events';
import type { Sight } from '../core/machine/expected';
import { areAllAway, othersOf } from '../core/machine/others';
import type { Session } from '../core/machine/state';
import { Countdown } from './Countdown';
import styles from './Headline.module.css';
import { wordsFor } from './headline_words';
import { Icon } from './icons';
import type { Words } from './obstacle_words';

interface HeadlineProps {
  readonly session: Session;
  /** What there is to see of the others. */
  readonly sight: Sight | null;
  readonly onAct: (event: PersonEvent) => void;
}

export function Headline({ session, sight, onAct }: HeadlineProps) {
  const ref = useRef<HTMLDivElement>(null);
  const { status, hint, within, action } = wordsFor(session, sight);
  // Somebody is in the picture.
  const aside = sight === 'moving';

  function act({ does }: NonNullable<Words['action']>) {
    // The button is about to vanish from under the focus.
    ref.current?.focus();
    onAct(does);
  }

  return (
    <div ref={ref} className={styles.headline} data-aside={aside} tabIndex={-1}>
      {!aside && <Figure session={session} interrupted={sight !== null} />}
      <p className={styles.status} role="status">
        {status}
      </p>
      {within !== undefined && <Countdown seconds={within} />}
      {hint !== undefined && (!aside || action !== undefined) && (
        <p className={styles.hint}>{hint}</p>
      )}
      {action !== undefined && (
        <button type="button" className={styles.action} onClick={() => act(action)}>
          <Icon name={action.does.type === 'choose_mode' ? 'chat' : 'retry'} />
          {action.label}
        </button>
      )}
    </div>
  );
}

interface FigureProps {
  readonly session: Session;
  /** There is no picture where there should be one. */
  readonly interrupted: boolean;
}

/** Something to rest the eyes on where there is no picture. */
function Figure({ session, interrupted: unseen }: FigureProps) {
  const { phase, mode } = session;
  if (phase.name === 'waiting' || phase.name === 'cooling') {
    return <span className={styles.dots} data-moving={phase.name === 'waiting'} />;
  }
  const interrupted = unseen || areAllAway(session);
  if (interrupted && mode !== 'text') return <span className={styles.dots} data-moving={true} />;
  if (phase.name !== 'talking' || mode === 'text') return null;
  if (mode === 'video' && othersOf(session).some(({ camera }) => camera)) return null;
  return (
    <span className={styles.figure}>
      <Icon name={mode === 'audio' ? 'sound' : 'camera_off'} size={36} />
    </span>
  );
}
