// Owns the picture: the partner, the person's own view, and the words about the state over them.

import { useState } from 'react';
import type { Session } from '../core/state';
import { PartnerVideo } from './PartnerVideo';
import { SelfVideo } from './SelfVideo';
import styles from './Stage.module.css';
import { wordsFor } from './words';

interface StageProps {
  readonly session: Session;
  readonly local: MediaStream | null;
  readonly partner: MediaStream | null;
}

export function Stage({ session, local, partner }: StageProps) {
  const roomId = session.phase.name === 'talking' ? session.phase.roomId : null;
  const [roomInView, setRoomInView] = useState<string | null>(null);
  const inView = roomId !== null && roomInView === roomId;
  const { status, hint } = wordsFor(session);
  return (
    <section className={styles.stage} aria-label="Video">
      <PartnerVideo stream={partner} roomId={roomId} inView={inView} onFirstFrame={setRoomInView} />
      {/* One element in every state: a live region that comes and goes is not read out. */}
      <div className={inView ? styles.caption : styles.placeholder}>
        {!inView && <span className={styles.dots} data-moving={session.phase.name === 'waiting'} />}
        <p className={styles.status} role="status">
          {status}
        </p>
        {!inView && <p className={styles.hint}>{hint}</p>}
      </div>
      <SelfVideo stream={local} />
    </section>
  );
}
