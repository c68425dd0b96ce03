// Owns the watch over a <video>: whether frames of this conversation are painted at this moment. What cannot be known counts
// as not seen, so that nobody is shown the last frame of somebody else.

import type { Sight } from '../core/machine/expected';

/** Longer than a keyframe takes to be asked for and sent on a slow link. */
export const FROZEN_SECONDS = 4;
/** Without any frame for so long, it is said that there is none. */
export const LATE_SECONDS = 5;

/** Between looks at a count of frames, where the browser does not tell of each. */
const COUNTING_MILLISECONDS = 100;
/** For which a browser may still paint what came before: its buffer, and the network's. */
export const FORMER_MILLISECONDS = 500;

/**
 * Tells `moving` at the next frame, and `frozen` and `moving` in turn when frames stop and go on; `late` where the first takes
 * long. The first frame calls `first` as well, and says whether the page was in view since the watch began. Returns what
 * ends the watch.
 */
export function watchFrames(
  video: HTMLVideoElement,
  tell: (sight: Sight) => void,
  first: (inView: boolean) => void = () => undefined,
): () => void {
  let told: Sight | null = null;
  let seen = false;
  let inView = document.visibilityState === 'visible';
  let timer = setTimeout(late, LATE_SECONDS * 1000);
  document.addEventListener('visibilitychange', hidden);
  const leave =
    'requestVideoFrameCallback' in video ? eachFrame(video, painted) : countFrames(video, painted);

  function say(sight: Sight) {
    if (sight === told) return;
    told = sight;
    tell(sight);
  }

  function hidden() {
    inView = false;
  }

  function painted() {
    if (!seen) first(inView);
    seen = true;
    say('moving');
    clearTimeout(timer);
    arm();
  }

  function late() {
    if (document.visibilityState === 'visible') say('late');
  }

  function arm() {
    timer = setTimeout(stopped, FROZEN_SECONDS * 1000);
  }

  function stopped() {
    if (document.visibilityState === 'visible') say('frozen');
    // A page that is not looked at paints nothing, so it is judged when it is looked at again.
    else arm();
  }

  return () => {
    document.removeEventListener('visibilitychange', hidden);
    clearTimeout(timer);
    leave();
  };
}

/** Frames that came in before the watch began are the former partner's, even if they are painted later. */
function eachFrame(video: HTMLVideoElement, painted: () => void): () => void {
  const began = performance.now();
  let handle = video.requestVideoFrameCallback(look);

  function look(_: DOMHighResTimeStamp, { receiveTime }: VideoFrameCallbackMetadata) {
    if (receiveTime === undefined || receiveTime >= began) painted();
    handle = video.requestVideoFrameCallback(look);
  }

  return () => video.cancelVideoFrameCallback(handle);
}

/** Where the browser only counts (Firefox before 132, Safari before 15.4), and tells nothing of when a frame came in. */
function countFrames(video: HTMLVideoElement, painted: () => void): () => void {
  const began = performance.now();
  let before: number | null = null;
  const looking = setInterval(() => {
    const count = paintedFrames(video);
    if (before !== null && count !== null && count > before) painted();
    if (performance.now() - began >= FORMER_MILLISECONDS) before = count;
  }, COUNTING_MILLISECONDS);
  return () => clearInterval(looking);
}

/** Null: it does not even count, and no picture is shown. */
function paintedFrames(
  video: HTMLVideoElement & { readonly mozPaintedFrames?: number },
): number | null {
  // Firefox counts in the standard place for files alone.
  if (typeof video.mozPaintedFrames === 'number') return video.mozPaintedFrames;
  if (!('getVideoPlaybackQuality' in video)) return null;
  return video.getVideoPlaybackQuality().totalVideoFrames;
}
