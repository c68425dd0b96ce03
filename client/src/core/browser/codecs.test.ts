import { expect, test, vi } from 'vitest';
import { forwarded, preferForwardedCodecs } from './codecs';

function video(name: string, sdpFmtpLine?: string): RTCRtpCodec {
  const codec = { mimeType: `video/${name}`, clockRate: 90000 };
  return sdpFmtpLine === undefined ? codec : { ...codec, sdpFmtpLine };
}

test('VP8 comes first, then the others that the relay forwards, then retransmission', () => {
  const offered = [video('rtx'), video('AV1'), video('VP9'), video('VP8')];
  expect(forwarded(offered).map((codec) => codec.mimeType)).toEqual([
    'video/VP8',
    'video/VP9',
    'video/AV1',
    'video/rtx',
  ]);
});

test('what the relay refuses is not offered', () => {
  expect(forwarded([video('red'), video('ulpfec'), video('flexfec-03')])).toEqual([]);
});

test('of H264 only constrained baseline in several packets a frame is offered', () => {
  const fits = video(
    'H264',
    'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42E01F',
  );
  const onePacket = video('H264', 'packetization-mode=0;profile-level-id=42e01f');
  const high = video('H264', 'packetization-mode=1;profile-level-id=64001f');
  expect(forwarded([high, onePacket, fits])).toEqual([fits]);
});

test('of VP9 and AV1 only profile 0 is offered', () => {
  const vp9 = video('VP9', 'profile-id=0');
  const av1 = video('AV1', 'level-idx=5;profile=0;tier=0');
  const deep = [video('VP9', 'profile-id=2'), video('AV1', 'level-idx=5;profile=1;tier=0')];
  expect(forwarded([...deep, vp9, av1])).toEqual([vp9, av1]);
});

test('a browser without setCodecPreferences keeps its own order', () => {
  const getCapabilities = vi.fn();
  vi.stubGlobal('RTCRtpReceiver', { getCapabilities });
  preferForwardedCodecs({ receiver: { track: { kind: 'video' } } } as RTCRtpTransceiver);
  expect(getCapabilities).not.toHaveBeenCalled();
});
