// Owns the partner's <video>: what it plays, when it may be seen, and what to do when the browser
// will not play sound unasked. A last frame is never shown again: neither in another conversation,
// nor when a camera that was off comes back.

import { useEffect, useRef, useState } from 'react';
import { Icon } from './icons';
import styles from './Stage.module.css';

interface PartnerVideoProps {
  readonly stream: MediaStream | null;
  /** The conversation that is going on, if one is. */
  readonly roomId: string | null;
  /** The partner's camera is on. */
  readonly camera: boolean;
  readonly inView: boolean;
  /** The first frame of this conversation has been painted; null takes it back. */
  readonly onPictured: (roomId: string | null) => void;
}

export function PartnerVideo({ stream, roomId, camera, inView, onPictured }: PartnerVideoProps) {
  const ref = useRef<HTMLVideoElement>(null);
  const [silenced, setSilenced] = useState(false);

  useEffect(() => {
    if (ref.current !== null) ref.current.srcObject = stream;
  }, [stream]);

  useEffect(() => {
    const video = ref.current;
    if (video === null || stream === null || roomId === null || !camera) return;
    const cancel = onNextFrame(video, () => onPictured(roomId));
    return () => {
      cancel();
      onPictured(null);
    };
  }, [stream, roomId, camera, onPictured]);

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
          <Icon name="sound" />
          Tap to hear your partner
        </button>
      )}
    </>
  );
}

/** Returns what cancels the wait. A browser that cannot tell its frames (Firefox before 132) shows at once. */
function onNextFrame(video: HTMLVideoElement, painted: () => void): () => void {
  if (!('requestVideoFrameCallback' in video)) {
    painted();
    return () => undefined;
  }
  const handle = video.requestVideoFrameCallback(painted);
  return () => video.cancelVideoFrameCallback(handle);
}
