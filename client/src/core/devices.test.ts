import { describe, expect, test, vi } from 'vitest';
import { localStream } from '../testing/fake_peer_connection';
import { closeCamera, openCamera } from './camera';

function browserSays(getUserMedia: () => Promise<MediaStream>) {
  vi.stubGlobal('navigator', { mediaDevices: { getUserMedia } });
}

describe('asking for the camera', () => {
  test('gives its stream', async () => {
    const stream = localStream();
    browserSays(async () => stream);
    expect(await openCamera()).toEqual({ stream });
  });

  test.each([
    ['NotAllowedError', 'refused'],
    ['SecurityError', 'refused'],
    ['NotFoundError', 'none'],
    ['OverconstrainedError', 'none'],
    ['NotReadableError', 'in_use'],
    ['AbortError', 'in_use'],
    ['SomethingNewError', 'other'],
  ])('names %s as %s', async (name, failure) => {
    browserSays(() => Promise.reject(new DOMException('', name)));
    expect(await openCamera()).toEqual({ failure });
  });

  test('on an insecure page fails with a reason of its own', async () => {
    vi.stubGlobal('navigator', {});
    expect(await openCamera()).toEqual({ failure: 'insecure' });
  });
});

test('closing the camera stops every track', () => {
  const stream = localStream();
  closeCamera(stream);
  for (const track of stream.getTracks()) expect(track.stop).toHaveBeenCalledOnce();
});
