// Owns the picture: the partner, the person's own view, and the signs on them. A conversation in
// text mode has none.

import type { PersonEvent } from '../core/machine/events';
import { isPictureExpected } from '../core/machine/expected';
import type { Session } from '../core/machine/state';
import { stage as words } from '../words';
import { Icon } from './icons';
import { PartnerVideo, type Seen } from './PartnerVideo';
import { SelfVideo } from './SelfVideo';
import styles from './Stage.module.css';
import { useSpeaking } from './speaking';

interface StageProps {
  readonly session: Session;
  readonly local: MediaStream | null;
  readonly partner: MediaStream | null;
  /** There is a picture of the partner, of this moment. */
  readonly pictured: boolean;
  /** How loud the partner is now, from 0 to 1. */
  readonly loudness: () => number;
  readonly onShown: (video: HTMLVideoElement | null) => void;
  readonly onAct: (event: PersonEvent) => void;
  readonly onSeen: (seen: Seen | null) => void;
  readonly onPainted: (roomId: string, inView: boolean) => void;
}

export function Stage({
  session,
  local,
  partner,
  pictured,
  loudness,
  onShown,
  onAct,
  onSeen,
  onPainted,
}: StageProps) {
  const { phase, mode } = session;
  const talking = phase.name === 'talking' ? phase : null;
  const audible = talking?.partner.microphone === true && mode !== 'text';
  const speaking = useSpeaking(audible ? loudness : null);
  if (mode === 'text' && phase.name !== 'idle') return null;
  return (
    <section className={styles.stage} data-speaking={speaking} aria-label={words.title}>
      <PartnerVideo
        stream={partner}
        roomId={talking?.roomId ?? null}
        expected={isPictureExpected(session)}
        inView={pictured}
        playback={session.playback}
        onShown={onShown}
        onPlay={() => onAct({ type: 'play' })}
        onSeen={onSeen}
        onPainted={onPainted}
      />
      <div className={styles.signs}>
        {talking?.partner.microphone === false && (
          <p className={styles.badge}>
            <Icon name="microphone_off" size={16} />
            <span className={styles.badgeWords}>{words.partnerMuted}</span>
          </p>
        )}
        {audible && (
          // For eyes alone: who hears them need not be told.
          <p className={styles.speaking} data-speaking={speaking} aria-hidden="true">
            <span className={styles.bar} />
            <span className={styles.bar} />
            <span className={styles.bar} />
            <span className={styles.badgeWords}>{words.speaking}</span>
          </p>
        )}
      </div>
      <SelfVideo session={session} stream={local} />
    </section>
  );
}
