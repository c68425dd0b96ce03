// @vitest-environment happy-dom

import { afterEach, expect, test, vi } from 'vitest';
import { followVisibleHeight } from './visible_height';

class Viewport extends EventTarget {
  height = 664;
  offsetTop = 0;
  scale = 1;

  becomes(changes: Partial<Pick<Viewport, 'height' | 'offsetTop' | 'scale'>>) {
    Object.assign(this, changes);
    this.dispatchEvent(new Event('resize'));
  }
}

function height(): string {
  return document.documentElement.style.getPropertyValue('--visible-height');
}

afterEach(() => document.documentElement.removeAttribute('style'));

test('a keyboard that lies over the page makes it as high as what is left', () => {
  const viewport = new Viewport();
  vi.stubGlobal('innerHeight', 664);
  vi.stubGlobal('visualViewport', viewport);
  const leave = followVisibleHeight();
  expect(height()).toBe('');
  viewport.becomes({ height: 300, offsetTop: 40 });
  expect(height()).toBe('300px');
  expect(document.documentElement.style.getPropertyValue('--visible-top')).toBe('40px');
  viewport.becomes({ height: 664, offsetTop: 0 });
  expect(height()).toBe('');
  leave();
  viewport.becomes({ height: 200 });
  expect(height()).toBe('');
});

test('enlarged by two fingers the page stays as it is', () => {
  const viewport = new Viewport();
  vi.stubGlobal('innerHeight', 664);
  vi.stubGlobal('visualViewport', viewport);
  followVisibleHeight();
  viewport.becomes({ height: 332, scale: 2 });
  expect(height()).toBe('');
});

test('a browser without the visual viewport is left alone', () => {
  vi.stubGlobal('visualViewport', null);
  followVisibleHeight()();
  expect(height()).toBe('');
});
