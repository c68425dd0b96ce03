// Owns the drawing of what a test looks at, and the events that it plays: each returns when the page has answered.

import { configure } from '@testing-library/dom';
import { type ComponentChild, render as draw } from 'preact';
import { act } from 'preact/test-utils';

export { fireEvent, screen, within } from '@testing-library/dom';
export { act };

configure({
  eventWrapper: (play) => {
    let answer: unknown;
    void act(() => {
      answer = play();
    });
    return answer;
  },
});

const drawn = new Set<HTMLElement>();

export function render(page: ComponentChild) {
  const container = document.body.appendChild(document.createElement('div'));
  drawn.add(container);
  const rerender = (other: ComponentChild) => void act(() => draw(other, container));
  rerender(page);
  return { rerender };
}

/** Takes away everything that was drawn. */
export function cleanup(): void {
  for (const container of drawn) {
    void act(() => draw(null, container));
    container.remove();
  }
  drawn.clear();
}
