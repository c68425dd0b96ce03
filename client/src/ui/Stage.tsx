// Owns the picture: the partner, the person's own view, and the signs on them. A conversation in
// text mode has none.

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
}

export function Stage({ session, local, partner, pictured, onSight }: StageProps) {
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

/** No picture is on its way from a partner who is away, nor through a server that has ended. */
function isPictureExpected({ phase, mode, link }: Session): boolean {
  if (phase.name !== 'talking' || mode !== 'video') return false;
  const ended = link.name === 'reconnecting' && link.outage === 'server_stopping';
  return phase.partner.camera && !phase.partner.away && !ended;
}
