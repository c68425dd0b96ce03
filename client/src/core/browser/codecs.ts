// Owns which codecs the browser offers. The relay forwards these and refuses the rest, so offering
// more would only make the offer larger. What is finally used is the relay's answer to decide.

/** In order of preference: everyone can send VP8, so transcoding stays rare. */
const FORWARDED = ['audio/opus', 'video/vp8', 'video/h264', 'video/vp9', 'video/av1', 'video/rtx'];

/** Leaves the browser's own order where it cannot be changed (Firefox before 128). */
export function preferForwardedCodecs(transceiver: RTCRtpTransceiver): void {
  if (!('setCodecPreferences' in transceiver)) return;
  const capabilities = RTCRtpReceiver.getCapabilities(transceiver.receiver.track.kind);
  if (capabilities !== null) transceiver.setCodecPreferences(forwarded(capabilities.codecs));
}

/** An empty result means the browser's defaults (W3C WebRTC, setCodecPreferences). */
export function forwarded(codecs: readonly RTCRtpCodec[]): RTCRtpCodec[] {
  return codecs
    .filter((codec) => rank(codec) >= 0 && isForwardedProfile(codec))
    .sort((one, other) => rank(one) - rank(other));
}

function rank(codec: RTCRtpCodec): number {
  return FORWARDED.indexOf(codec.mimeType.toLowerCase());
}

/** One profile of each codec, the one that every browser decodes. */
function isForwardedProfile({ mimeType, sdpFmtpLine = '' }: RTCRtpCodec): boolean {
  const format = new URLSearchParams(sdpFmtpLine.replaceAll(/;\s*/g, '&'));
  switch (mimeType.toLowerCase()) {
    case 'video/h264':
      // Constrained baseline (RFC 6184, section 8.1), whatever its level, in several packets a frame.
      return (
        format.get('packetization-mode') === '1' &&
        (format.get('profile-level-id') ?? '').toLowerCase().startsWith('42e0')
      );
    case 'video/vp9':
      return (format.get('profile-id') ?? '0') === '0';
    case 'video/av1':
      return (format.get('profile') ?? '0') === '0';
    default:
      return true;
  }
}
