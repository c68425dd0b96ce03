// Owns the partner's <video>: what it plays, when it may be seen, and what to do when the browser
// will not play sound unasked. A conversation's last frame is never shown in another one.

import { useEffect, useRef, useState } from 'react';
import styles from './Stage.module.css';

interface PartnerVideoProps {
  readonly stream: MediaStream | null;
  /** The conversation that is going on, if one is. */
  readonly roomId: string | null;
  readonly inView: boolean;
  /** The first frame of this conversation has been painted. */
  readonly onFirstFrame: (roomId: string) => void;
}

export function PartnerVideo({ stream, roomId, inView, onFirstFrame }: PartnerVideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const [silenced, setSilenced] = useState(false);

  useEffect(() => {
    if (ref.current !== null) ref.current.srcObject = stream;
  }, [stream]);

  useEffect(() => {
    const video = ref.current;
    if (video === null || stream === null || roomId === null) return;
    return onNextFrame(video, () => onFirstFrame(roomId));
  }, [stream, roomId, onFirstFrame]);

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
        <button type="button" className={styles.unsilence} onClick={unsilence}>
          Tap to hear your partner
        </button>
      )}
    </>
  );
}

/** Returns what cancels the wait. A browser that cannot tell its frames (Firefox before 132) shows at once. */
function onNextFrame(video: HTMLVideoElement, painted: () => void): (() => void) | undefined {
  if (!('requestVideoFrameCallback' in video)) {
    painted();
    return undefined;
  }
  const handle = video.requestVideoFrameCallback(painted);
  return () => video.cancelVideoFrameCallback(handle);
}
