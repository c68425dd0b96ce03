// Owns how much of the window can be seen. Most browsers make the page shorter when a keyboard opens, because index.html
// asks them to; the others lay the keyboard over it, and tell of that by the visual viewport alone.

/** Keeps the page's custom properties at what can be seen. Returns what ends that. */
export function followVisibleHeight(): () => void {
  const { visualViewport } = window;
  if (!visualViewport) return () => undefined;
  const { style } = document.documentElement;

  function look() {
    // Enlarged by two fingers, the page stays as it is: the person looks at a part of it on purpose.
    if (visualViewport === null || visualViewport.scale > 1) return;
    const covered = window.innerHeight - visualViewport.height > 1;
    set('--visible-height', covered ? visualViewport.height : null);
    set('--visible-top', covered ? visualViewport.offsetTop : null);
  }

  function set(property: string, pixels: number | null) {
    if (pixels === null) style.removeProperty(property);
    else style.setProperty(property, `${pixels}px`);
  }

  look();
  visualViewport.addEventListener('resize', look);
  visualViewport.addEventListener('scroll', look);
  return () => {
    visualViewport.removeEventListener('resize', look);
    visualViewport.removeEventListener('scroll', look);
  };
}
