// Owns what is shown of who has one seat: their picture and the signs on it. While nobody sits there it is empty and takes no
// room from the others.

import type { PersonEvent } from '../core/machine/events';
import { isPictureExpected } from '../core/machine/expected';
import type { Seat } from '../core/machine/lines';
import { inSeat } from '../core/machine/others';
import type { Session } from '../core/machine/state';
import { stage as words } from '../words';
import { Icon } from './icons';
import { PartnerVideo, type VideoObserver } from './PartnerVideo';
import styles from './Stage.module.css';
import { useSpeaking } from './speaking';

interface PartnerTileProps extends VideoObserver {
  readonly session: Session;
  readonly seat: Seat;
  readonly stream: MediaStream | null;
  /** There is a picture, of this moment. */
  readonly pictured: boolean;
  /** A press is to be asked for here, so that the browser plays sound. */
  readonly asks: boolean;
  /** How loud it is in a seat now, from 0 to 1. */
  readonly loudness: (seat: Seat) => number;
  readonly onAct: (event: PersonEvent) => void;
}

export function PartnerTile({
  session,
  seat,
  stream,
  pictured,
  asks,
  loudness,
  onAct,
  ...observer
}: PartnerTileProps) {
  const { phase, mode } = session;
  const talking = phase.name === 'talking' ? phase : null;
  const partner = talking === null ? undefined : inSeat(talking.others, seat);
  const audible = partner?.microphone === true && mode !== 'text';
  const speaking = useSpeaking(audible ? loudness : null, seat);
  return (
    <div className={styles.tile} data-vacant={partner === undefined}>
      <PartnerVideo
        seat={seat}
        stream={stream}
        roomId={partner === undefined ? null : (talking?.roomId ?? null)}
        expected={partner !== undefined && isPictureExpected(session, partner)}
        inView={pictured}
        {...observer}
      />
      {asks && (
        // Read out when it appears: anyone who only listens would not know why there is nothing to hear.
        <div role="alert" className={styles.silence}>
          <button
            type="button"
            className={styles.unsilence}
            onClick={() => onAct({ type: 'play' })}
          >
            <Icon name="sound" />
            {words.turnSoundOn}
          </button>
        </div>
      )}
      <div className={styles.signs}>
        {partner?.microphone === false && (
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
    </div>
  );
}
