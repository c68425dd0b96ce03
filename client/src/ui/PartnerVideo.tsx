// Owns the partner's <video>: what is in it, and when it may be seen; that it plays is the core's to see to (playback.ts). A
// last frame is never shown again: neither in another conversation, nor when a camera that was off comes back.

import { useEffect, useRef } from 'preact/hooks';
import type { Sight } from '../core/machine/expected';
import type { PlaybackState } from '../core/machine/state';
import { stage as words } from '../words';
import { watchFrames } from './frame_watch';
import { Icon } from './icons';
import styles from './Stage.module.css';

interface PartnerVideoProps {
  readonly stream: MediaStream | null;
  /** The conversation that is going on, if one is. */
  readonly roomId: string | null;
  /** The partner is there, and their camera is on. */
  readonly expected: boolean;
  readonly inView: boolean;
  readonly playback: PlaybackState;
  /** Where the partner is shown; null: nowhere any more. */
  readonly onShown: (video: HTMLVideoElement | null) => void;
  /** The person wants to hear what the browser plays without sound. */
  readonly onPlay: () => void;
  /** Null while no picture is expected, and until there is something to say of it. */
  readonly onSeen: (seen: Seen | null) => void;
  /** The first frame of a picture that is expected was painted. */
  readonly onPainted: (roomId: string, inView: boolean) => void;
}

/** What there is to see of the partner in this conversation. */
export interface Seen {
  readonly roomId: string;
  readonly sight: Sight;
}

export function PartnerVideo({
  stream,
  roomId,
  expected,
  inView,
  playback,
  onShown,
  onPlay,
  onSeen,
  onPainted,
}: PartnerVideoProps) {
  const ref = useRef<HTMLVideoElement>(null);

  useEffect(() => {
    onShown(ref.current);
    return () => onShown(null);
  }, [onShown]);

  useEffect(() => {
    if (ref.current !== null) ref.current.srcObject = stream;
  }, [stream]);

  useEffect(() => {
    const video = ref.current;
    if (video === null || stream === null || roomId === null || !expected) return;
    const leave = watchFrames(
      video,
      (sight) => onSeen({ roomId, sight }),
      (inView) => onPainted(roomId, inView),
    );
    return () => {
      leave();
      onSeen(null);
    };
  }, [stream, roomId, expected, onSeen, onPainted]);

  return (
    <>
      <video
        ref={ref}
        className={styles.partner}
        data-in-view={inView}
        aria-label={words.partner}
        autoPlay
        playsInline
      />
      {playback === 'silenced' && roomId !== null && (
        // Read out when it appears: anyone who only listens would not know why there is nothing to hear.
        <div role="alert" className={styles.silence}>
          <button type="button" className={styles.unsilence} onClick={onPlay}>
            <Icon name="sound" />
            {words.turnSoundOn}
          </button>
        </div>
      )}
    </>
  );
}
