// Owns the picture: the partner, the person's own view, and the signs on them. A conversation in
// text mode has none.

import { isPictureExpected } from '../core/expected';
import type { Session } from '../core/state';
import { Icon } from './icons';
import { PartnerVideo, type Sight } from './PartnerVideo';
import { SelfVideo } from './SelfVideo';
import styles from './Stage.module.css';

interface StageProps {
  readonly session: Session;
  readonly local: MediaStream | null;
  readonly partner: MediaStream | null;
  /** There is a picture of the partner, of this moment. */
  readonly pictured: boolean;
  readonly onSight: (sight: Sight | null) => void;
  readonly onPainted: (roomId: string, inView: boolean) => void;
}

export function Stage({ session, local, partner, pictured, onSight, onPainted }: StageProps) {
  const { phase, mode } = session;
  const talking = phase.name === 'talking' ? phase : null;
  if (mode === 'text' && phase.name !== 'idle') return null;
  return (
    <section className={styles.stage} aria-label="Video">
      <PartnerVideo
        stream={partner}
        roomId={talking?.roomId ?? null}
        expected={isPictureExpected(session)}
        inView={pictured}
        onSight={onSight}
        onPainted={onPainted}
      />
      {talking?.partner.microphone === false && (
        <p className={styles.badge}>
          <Icon name="microphone_off" size={16} />
          Your partner is muted
        </p>
      )}
      <SelfVideo session={session} stream={local} />
    </section>
  );
}
