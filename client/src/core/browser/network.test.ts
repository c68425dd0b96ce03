import { beforeEach, expect, test, vi } from 'vitest';
import { onNetworkChanged, onWoken } from './network';

class FakeInformation extends EventTarget {
  type: string | undefined;

  become(type: string | undefined) {
    this.type = type;
    this.dispatchEvent(new Event('change'));
  }
}

const changed = vi.fn();
let page: EventTarget;
let connection: FakeInformation;

beforeEach(() => {
  changed.mockReset();
  page = new EventTarget();
  connection = new FakeInformation();
  connection.type = 'wifi';
  vi.stubGlobal('window', page);
  vi.stubGlobal('navigator', { connection });
});

test('a browser that is online again tells', () => {
  onNetworkChanged(changed);
  page.dispatchEvent(new Event('online'));
  expect(changed).toHaveBeenCalledOnce();
});

test('a page tells when it comes back, and not when it is loaded', () => {
  onNetworkChanged(changed);
  page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: false }));
  expect(changed).not.toHaveBeenCalled();
  page.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
  expect(changed).toHaveBeenCalledOnce();
});

test('another kind of network tells, and another estimate of its speed does not', () => {
  onNetworkChanged(changed);
  connection.become('wifi');
  expect(changed).not.toHaveBeenCalled();
  connection.become('cellular');
  connection.become('cellular');
  expect(changed).toHaveBeenCalledOnce();
});

test('a browser that knows no kinds of networks is asked for nothing', () => {
  vi.stubGlobal('navigator', {});
  onNetworkChanged(changed);
  page.dispatchEvent(new Event('online'));
  expect(changed).toHaveBeenCalledOnce();
});

test('nothing is told after the end', () => {
  onNetworkChanged(changed)();
  page.dispatchEvent(new Event('online'));
  connection.become('cellular');
  expect(changed).not.toHaveBeenCalled();
});

test('a page that is looked at again, or runs again, tells', () => {
  const sheet = Object.assign(new EventTarget(), { visibilityState: 'hidden' });
  vi.stubGlobal('document', sheet);
  const leave = onWoken(changed);
  sheet.dispatchEvent(new Event('visibilitychange'));
  expect(changed).not.toHaveBeenCalled();
  sheet.visibilityState = 'visible';
  sheet.dispatchEvent(new Event('visibilitychange'));
  sheet.dispatchEvent(new Event('resume'));
  expect(changed).toHaveBeenCalledTimes(2);
  leave();
  sheet.dispatchEvent(new Event('resume'));
  expect(changed).toHaveBeenCalledTimes(2);
});
