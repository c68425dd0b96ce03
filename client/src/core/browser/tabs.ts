// Owns what the tabs have in common that one browser has open at the same time: a random name, by which the relay knows
// not to pair them with each other. They agree on it among themselves, and when the last one is closed it is gone.

import { randomName } from './random_name';

/** For the others to answer. */
const ANSWER_MILLISECONDS = 100;

/** Any tab may ask what the name is, and say one. A name that is said is a string, a question null. */
const CHANNEL = 'tabs';

/**
 * Tells the name once it is known, and again where two tabs that did not know of each other each made one: the smaller
 * one is everybody's then. Returns what leaves the others. A browser without such channels tells none.
 */
export function onTabsAgreed(agreed: (browser: string) => void): () => void {
  if (typeof BroadcastChannel === 'undefined') return () => undefined;
  const channel = new BroadcastChannel(CHANNEL);
  let ours: string | null = null;
  const agree = (name: string) => {
    ours = name;
    agreed(name);
  };
  channel.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string' && (ours === null || data < ours)) agree(data);
    else if (data !== ours && ours !== null) channel.postMessage(ours);
  });
  channel.postMessage(null);
  const alone = setTimeout(() => {
    if (ours !== null) return;
    agree(randomName());
    // Another one may have made up its mind in the same moment.
    channel.postMessage(ours);
  }, ANSWER_MILLISECONDS);
  return () => {
    clearTimeout(alone);
    channel.close();
  };
}
