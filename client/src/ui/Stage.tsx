// Owns the pictures: of the others, each in the tile of their seat, and the person's own view. A conversation in text mode
// has none.

import type { PersonEvent } from '../core/machine/events';
import type { Sight } from '../core/machine/expected';
import type { Seat } from '../core/machine/lines';
import { othersOf } from '../core/machine/others';
import type { Session } from '../core/machine/state';
import { stage as words } from '../words';
import { PartnerTile } from './PartnerTile';
import type { VideoObserver } from './PartnerVideo';
import { SelfVideo } from './SelfVideo';
import styles from './Stage.module.css';

interface StageProps extends VideoObserver {
  readonly session: Session;
  readonly local: MediaStream | null;
  readonly received: ReadonlyMap<Seat, MediaStream | null>;
  /** What there is to see of whom. */
  readonly sights: ReadonlyMap<Seat, Sight>;
  /** How loud it is in a seat now, from 0 to 1. */
  readonly loudness: (seat: Seat) => number;
  readonly onAct: (event: PersonEvent) => void;
}

export function Stage({ session, local, received, sights, ...told }: StageProps) {
  if (session.mode === 'text' && session.phase.name !== 'idle') return null;
  // One press is for all of them, so it is asked for once.
  const silenced = othersOf(session).find(({ playback }) => playback === 'silenced');
  return (
    <section className={styles.stage} aria-label={words.title}>
      <div className={styles.tiles}>
        {[...received].map(([seat, stream]) => (
          <PartnerTile
            key={seat}
            session={session}
            seat={seat}
            stream={stream}
            pictured={sights.get(seat) === 'moving'}
            asks={silenced?.seat === seat}
            {...told}
          />
        ))}
      </div>
      <SelfVideo session={session} stream={local} />
    </section>
  );
}
