// Owns the browser's signs that the network is another one, or is there again, and that the page runs again. It keeps
// nothing but the kind of network there was.

/** Network Information API. Absent in Firefox and Safari, and without `type` on most computers. */
interface NetworkInformation extends EventTarget {
  readonly type?: string;
}

/** Returns what ends it. */
export function onNetworkChanged(changed: () => void): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  window.addEventListener('online', changed, { signal });
  // A page that comes back out of the back-forward cache has lost its sockets.
  window.addEventListener('pageshow', ({ persisted }) => persisted && changed(), { signal });

  const { connection } = navigator as Navigator & { readonly connection?: NetworkInformation };
  let type = connection?.type;
  // `change` also tells of each new estimate of speed, on the network there is.
  connection?.addEventListener(
    'change',
    () => {
      if (connection.type === type) return;
      type = connection.type;
      changed();
    },
    { signal },
  );
  return () => ending.abort();
}

/** A page that is not looked at may be slowed down, and frozen. Returns what ends it. */
export function onWoken(woke: () => void): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  // Page Lifecycle. Absent in Firefox and Safari.
  document.addEventListener('resume', woke, { signal });
  document.addEventListener(
    'visibilitychange',
    () => document.visibilityState === 'visible' && woke(),
    { signal },
  );
  return () => ending.abort();
}
