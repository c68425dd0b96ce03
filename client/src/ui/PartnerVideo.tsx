// Owns the <video> of one seat: what is in it, and when it may be seen; that it plays is the core's to see to (playback.ts). A
// last frame is never shown again: neither in another conversation, nor when a camera that was off comes back.

import { useEffect, useRef } from 'preact/hooks';
import type { Sight } from '../core/machine/expected';
import type { Seat } from '../core/machine/lines';
import { stage as words } from '../words';
import { watchFrames } from './frame_watch';
import styles from './Stage.module.css';

interface PartnerVideoProps extends VideoObserver {
  readonly seat: Seat;
  readonly stream: MediaStream | null;
  /** The conversation that is going on with who has this seat, if one is. */
  readonly roomId: string | null;
  /** Somebody is there, and their camera is on. */
  readonly expected: boolean;
  readonly inView: boolean;
}

export interface VideoObserver {
  /** Where somebody is shown; null: nowhere any more. */
  readonly onShown: (seat: Seat, video: HTMLVideoElement | null) => void;
  /** What there is to see in this conversation. Null while no picture is expected. */
  readonly onSeen: (seat: Seat, roomId: string, sight: Sight | null) => void;
  /** The first frame of a picture that is expected was painted. */
  readonly onPainted: (roomId: string, inView: boolean) => void;
}

export function PartnerVideo({
  seat,
  stream,
  roomId,
  expected,
  inView,
  onShown,
  onSeen,
  onPainted,
}: PartnerVideoProps) {
  const ref = useRef<HTMLVideoElement>(null);

  useEffect(() => {
    onShown(seat, ref.current);
    return () => onShown(seat, null);
  }, [seat, onShown]);

  useEffect(() => {
    if (ref.current !== null) ref.current.srcObject = stream;
  }, [stream]);

  useEffect(() => {
    const video = ref.current;
    if (video === null || stream === null || roomId === null || !expected) return;
    const leave = watchFrames(
      video,
      (sight) => onSeen(seat, roomId, sight),
      (inView) => onPainted(roomId, inView),
    );
    return () => {
      leave();
      onSeen(seat, roomId, null);
    };
  }, [seat, stream, roomId, expected, onSeen, onPainted]);

  return (
    <video
      ref={ref}
      className={styles.partner}
      data-in-view={inView}
      aria-label={words.partner}
      autoPlay
      playsInline
    />
  );
}
