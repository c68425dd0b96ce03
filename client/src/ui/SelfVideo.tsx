// Owns the person's own view: silent, so that they do not hear themselves, and mirrored, because
// that is how people know their face. What the partner receives is not mirrored.

import { useEffect, useRef } from 'react';
import styles from './Stage.module.css';

export function SelfVideo({ stream }: { readonly stream: MediaStream | null }) {
  const ref = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    if (ref.current !== null) ref.current.srcObject = stream;
  }, [stream]);
  return (
    <video
      ref={ref}
      className={styles.self}
      data-in-view={stream !== null}
      aria-label="Your video"
      autoPlay
      muted
      playsInline
    />
  );
}
