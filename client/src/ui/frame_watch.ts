// Owns the watch over a <video>: whether frames are painted at this moment.

/** Longer than a keyframe takes to be asked for and sent on a slow link. */
export const FROZEN_SECONDS = 4;

/**
 * Tells `moving` at the next frame, and `frozen` and `moving` in turn when frames stop and go on. Until
 * the first frame it tells nothing; that one calls `first` as well, and says whether
 * the page was in view since the watch began. Returns what ends the watch.
 *
 * A browser that cannot tell its frames (Firefox before 132) is taken to move, and calls nothing.
 */
export function watchFrames(
  video: HTMLVideoElement,
  tell: (picture: 'moving' | 'frozen') => void,
  first: (inView: boolean) => void = () => undefined,
): () => void {
  if (!('requestVideoFrameCallback' in video)) {
    tell('moving');
    return () => undefined;
  }
  let told: 'moving' | 'frozen' | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let inView = document.visibilityState === 'visible';
  document.addEventListener('visibilitychange', hidden);
  let handle = video.requestVideoFrameCallback(painted);

  function say(picture: 'moving' | 'frozen') {
    if (picture === told) return;
    told = picture;
    tell(picture);
  }

  function hidden() {
    inView = false;
  }

  function painted() {
    if (told === null) first(inView);
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
    document.removeEventListener('visibilitychange', hidden);
    clearTimeout(timer);
    video.cancelVideoFrameCallback(handle);
  };
}
