// Owns how a component follows what changes outside of the page's own state.

import { useLayoutEffect, useState } from 'preact/hooks';

/**
 * What `now` says, again whenever `subscribe` tells of a change. It is `before` for the first time, which is what the
 * build has painted (first_screen.tsx): a page goes on from that only if it begins with the same.
 */
export function useFollowed<Value>(
  subscribe: (changed: () => void) => () => void,
  now: () => Value,
  before: Value,
): Value {
  const [value, setValue] = useState(before);
  useLayoutEffect(() => {
    const look = () => setValue(() => now());
    look();
    return subscribe(look);
  }, [subscribe, now]);
  return value;
}
