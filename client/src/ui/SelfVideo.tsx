// Owns the person's own view: silent, so that they do not hear themselves, and mirrored, because
// that is how people know their face. What the partner receives is not mirrored.

import { useEffect, useRef } from 'preact/hooks';
import { obstacleOf } from '../core/machine/obstacle';
import { shared } from '../core/machine/sharing';
import type { Session } from '../core/machine/state';
import type { Mode } from '../core/protocol';
import { stage as words } from '../words';
import { AskingPicture } from './AskingPicture';
import { wordsForSelf } from './headline_words';
import { Icon, type IconName } from './icons';
import styles from './Stage.module.css';

interface SelfVideoProps {
  readonly session: Session;
  readonly stream: MediaStream | null;
}

const ICONS: Record<Mode, IconName> = { video: 'camera_off', audio: 'sound', text: 'chat' };

export function SelfVideo({ session, stream }: SelfVideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const { camera, microphone } = shared(session);
  const inView = camera && stream !== null;
  const obstacle = obstacleOf(session);
  const asked = obstacle?.name === 'asking' && obstacle.prompting;

  useEffect(() => {
    if (ref.current !== null) ref.current.srcObject = stream;
  }, [stream]);

  return (
    <div className={styles.self}>
      <video
        ref={ref}
        className={styles.mirror}
        data-in-view={inView}
        aria-label={words.self}
        autoPlay
        muted
        playsInline
      />
      {!inView && (
        <p className={styles.unseen}>
          {asked ? <AskingPicture /> : <Icon name={ICONS[session.mode]} size={28} />}
          <span className={styles.unseenWords}>{wordsForSelf(session)}</span>
        </p>
      )}
      {session.mode !== 'text' && !microphone && (
        <p className={styles.silent}>
          <Icon name="microphone_off" size={16} />
          <span className={styles.silentName}>{words.microphoneOff}</span>
        </p>
      )}
    </div>
  );
}
