// Owns whether somebody is speaking at this moment, as one can see it: their sound's level is looked at some times a
// second, which costs nothing, as it comes with the packets.

import { useEffect, useState } from 'preact/hooks';
import type { Seat } from '../core/machine/lines';

/** Of the loudest that there is (RFC 6464): about -40 dB, above the noise of a quiet room. */
const SPEAKING_LEVEL = 0.01;

/** Between two looks. */
const LOOK_MILLISECONDS = 150;

/** So long the sign stays after the last sound: words have gaps, and a sign that flickers says nothing. */
const PAUSE_MILLISECONDS = 700;

/** `level` gives the level in a seat now, from 0 to 1; null, while there is nobody to hear. */
export function useSpeaking(level: ((seat: Seat) => number) | null, seat: Seat): boolean {
  const [speaking, setSpeaking] = useState(false);
  useEffect(() => {
    if (level === null) return;
    let heard = Number.NEGATIVE_INFINITY;
    const timer = setInterval(() => {
      if (level(seat) > SPEAKING_LEVEL) heard = performance.now();
      setSpeaking(performance.now() - heard < PAUSE_MILLISECONDS);
    }, LOOK_MILLISECONDS);
    return () => {
      clearInterval(timer);
      setSpeaking(false);
    };
  }, [level, seat]);
  return speaking;
}
