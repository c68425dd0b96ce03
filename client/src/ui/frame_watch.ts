// Owns the watch over a <video>: whether frames are painted at this moment.

/** Longer than a keyframe takes to be asked for and sent on a slow link. */
export const FROZEN_SECONDS = 4;

/**
 * Tells `moving` at the next frame, and `frozen` and `moving` in turn when frames stop and go on. Until
 * the first frame it tells nothing. Returns what ends the watch.
 *
 * A browser that cannot tell its frames (Firefox before 132) is taken to move.
 */
export function watchFrames(
  video: HTMLVideoElement,
  tell: (picture: 'moving' | 'frozen') => void,
): () => void {
  if (!('requestVideoFrameCallback' in video)) {
    tell('moving');
    return () => undefined;
  }
  let told: 'moving' | 'frozen' | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let handle = video.requestVideoFrameCallback(painted);

  function say(picture: 'moving' | 'frozen') {
    if (picture === told) return;
    told = picture;
    tell(picture);
  }

  function painted() {
    say('moving');
    clearTimeout(timer);
    arm();
    handle = video.requestVideoFrameCallback(painted);
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
    clearTimeout(timer);
    video.cancelVideoFrameCallback(handle);
  };
}
