// Owns the partner's <video>: what it plays, when it may be seen, and what to do when the browser
// will not play sound unasked. A last frame is never shown again: neither in another conversation,
// nor when a camera that was off comes back.

import { useEffect, useRef, useState } from 'react';
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
  /** Null while no picture is expected, and until its first frame. */
  readonly onSight: (sight: Sight | null) => void;
  /** The first frame of a picture that is expected was painted. A browser that cannot tell its frames tells nothing. */
  readonly onPainted: (roomId: string, inView: boolean) => void;
}

/** What there is to see of the partner in this conversation. */
export interface Sight {
  readonly roomId: string;
  readonly picture: 'moving' | 'frozen';
}

export function PartnerVideo({
  stream,
  roomId,
  expected,
  inView,
  onSight,
  onPainted,
}: PartnerVideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const [silenced, setSilenced] = useState(false);

  useEffect(() => {
    if (ref.current !== null) ref.current.srcObject = stream;
  }, [stream]);

  useEffect(() => {
    const video = ref.current;
    if (video === null || stream === null || roomId === null || !expected) return;
    const leave = watchFrames(
      video,
      (picture) => onSight({ roomId, picture }),
      (inView) => onPainted(roomId, inView),
    );
    return () => {
      leave();
      onSight(null);
    };
  }, [stream, roomId, expected, onSight, onPainted]);

  useEffect(() => {
    const video = ref.current;
    if (video === null || stream === null || roomId === null) return;
    video.play().catch((cause: unknown) => {
      // Any other refusal is a play() overtaken by a newer stream, which plays by itself.
      if (!(cause instanceof DOMException) || cause.name !== 'NotAllowedError') return;
      // Without sound it may play, so at least the picture is there while the person decides.
      video.muted = true;
      video.play().catch(() => undefined);
      setSilenced(true);
    });
  }, [stream, roomId]);

  function unsilence() {
    if (ref.current === null) return;
    ref.current.muted = false;
    ref.current.play().catch(() => undefined);
    setSilenced(false);
  }

  return (
    <>
      <video
        ref={ref}
        className={styles.partner}
        data-in-view={inView}
        aria-label="Partner video"
        autoPlay
        playsInline
      />
      {silenced && roomId !== null && (
        // Read out when it appears: whoever only listens would not know why there is nothing to hear.
        <div role="alert" className={styles.silence}>
          <button type="button" className={styles.unsilence} onClick={unsilence}>
            <Icon name="sound" />
            Turn sound on
          </button>
        </div>
      )}
    </>
  );
}
