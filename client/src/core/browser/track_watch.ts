// Owns the watch over a track of the person's own: whether anything comes from its device. Browsers tell of a system that mutes
// it; of a driver or a service that stands still they tell nothing, and the track is live for ever.

/** Between looks at the count of what the device gave. */
export const LOOKING_MILLISECONDS = 1000;
/** Looks in a row that find nothing new. */
export const DEAD_LOOKS = 4;

/** MediaStreamTrack statistics (W3C mediacapture-extensions). Chromium has them; elsewhere `mute` has to do. */
interface Counted extends MediaStreamTrack {
  readonly stats?: { readonly totalFrames?: number };
}

/** Tells `true` when nothing comes any more and `false` when something does again. Returns what ends it. */
export function watchTrack(track: Counted, tell: (muted: boolean) => void): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  let told = track.muted;
  let dead = 0;
  let before = -1;

  function judge() {
    const muted = track.muted || dead >= DEAD_LOOKS;
    if (muted === told) return;
    told = muted;
    tell(muted);
  }

  function look() {
    const frames = track.stats?.totalFrames;
    // One that the person turned off gives nothing.
    dead = frames === before && track.enabled ? dead + 1 : 0;
    before = frames ?? -1;
    judge();
  }

  track.addEventListener('mute', judge, { signal });
  track.addEventListener('unmute', judge, { signal });
  const looking = 'stats' in track ? setInterval(look, LOOKING_MILLISECONDS) : undefined;
  return () => {
    ending.abort();
    clearInterval(looking);
  };
}
