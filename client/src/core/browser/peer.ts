// Owns the one RTCPeerConnection to the relay: its lines, the slots of each seat, its offer, and whether camera and
// microphone are being sent. It does not decide when. Offers after the first renew ICE and nothing
// else: a new partner changes the relay's routing, not the SDP.

import type { PerDevice } from '../machine/devices';
import {
  type Line,
  MEDIA,
  type Medium,
  SEATS,
  type Seat,
  type Sections,
  type Slot,
} from '../machine/lines';
import type { Connection } from '../machine/state';
import type { IceServer } from '../protocol';
import { preferForwardedCodecs } from './codecs';
import { isScaledDown, sendable } from './path';

/** Nothing is reported after `close()`. */
export interface PeerObserver {
  offered(sdp: string, sections: Sections): void;
  /** Null is end-of-candidates. */
  gathered(candidate: RTCIceCandidate | null): void;
  changed(connection: Connection): void;
}

/** Above this a 640x480 picture gains nothing that a stranger would see. */
const CAMERA_BITS_PER_SECOND = 1_500_000;

/** A browser that believes in less sends a picture that looks poor. */
const ENOUGH_BITS_PER_SECOND = 800_000;

/** The limits in an answer (RFC 3890). */
const LIMIT = /^b=TIAS:(\d+)/gm;

type PerMedium = Readonly<Record<Medium, RTCRtpTransceiver>>;
type Section = readonly [Line | Slot, RTCRtpTransceiver];

export class Peer {
  /** Microphone and camera of each seat in one stream, so that the browser keeps them in step. */
  readonly received: ReadonlyMap<Seat, MediaStream>;
  readonly #connection: RTCPeerConnection;
  readonly #lines: PerMedium;
  readonly #slots: ReadonlyMap<Seat, PerMedium>;
  #observer: PeerObserver | null;

  constructor(
    iceServers: readonly IceServer[],
    observer: PeerObserver,
    seats: readonly Seat[] = SEATS,
  ) {
    this.#observer = observer;
    this.#connection = new RTCPeerConnection(configuration(iceServers));
    this.#lines = addLines(this.#connection);
    this.#slots = new Map(seats.map((seat) => [seat, addSlots(this.#connection)]));
    this.received = new Map([...this.#slots].map(([seat, slots]) => [seat, streamOf(slots)]));
    this.#connection.addEventListener('icecandidate', ({ candidate }) => {
      // Some browsers end each transport with an empty candidate and then all with null.
      if (candidate?.candidate !== '') this.#observer?.gathered(candidate);
    });
    this.#connection.addEventListener('connectionstatechange', () =>
      this.#observer?.changed(connectionOf(this.#connection.connectionState)),
    );
  }

  /** Makes an offer. */
  async offer(): Promise<void> {
    try {
      const sections = this.#sections();
      const served = sections.filter(([, transceiver]) => !isRefused(transceiver));
      for (const [, transceiver] of served) preferForwardedCodecs(transceiver);
      await this.#connection.setLocalDescription();
      const description = this.#connection.localDescription;
      if (description !== null) this.#observer?.offered(description.sdp, byMid(sections));
    } catch {
      this.#fail();
    }
  }

  /** Makes an offer with new ICE credentials, in which all else stays as it was (RFC 8445 section 9). */
  async restart(): Promise<void> {
    this.#connection.restartIce();
    await this.offer();
  }

  async accept(sdp: string): Promise<void> {
    try {
      await this.#connection.setRemoteDescription({ type: 'answer', sdp });
    } catch {
      this.#fail();
    }
  }

  /**
   * Sends exactly these tracks; null is silence. `replaceTrack(null)` is the only stop after which Firefox's microphone
   * is silent, and the quickest to start again in Chromium. The browser runs replacements in the
   * order in which they were asked for, so a stop is never overtaken by the start before it.
   */
  async send({ microphone, camera }: PerDevice<MediaStreamTrack | null>): Promise<void> {
    try {
      const tracks = [
        [this.#lines.microphone, microphone],
        [this.#lines.camera, camera],
      ] as const;
      await Promise.all(
        tracks
          .filter(([line]) => !isRefused(line))
          .map(([{ sender }, track]) => sender.replaceTrack(track)),
      );
    } catch {
      this.#fail();
    }
  }

  /**
   * Has the browser find out how much the path takes, if it believes that it takes little, and show the `whole` picture if
   * it takes enough. Somebody whose last partner had a narrow link was held down for them, and would come up by 8 % a second.
   */
  async probe(whole: boolean): Promise<void> {
    const { sender } = this.#lines.camera;
    const stats = await this.stats();
    const bitrate = sendable(stats);
    if (sender.track === null || bitrate === null) return;
    try {
      if (bitrate < ENOUGH_BITS_PER_SECOND) await this.#raiseLimit();
      else if (whole && isScaledDown(stats)) await scaleAnew(sender);
    } catch {
      // Closed meanwhile; or it goes on as it was.
    }
  }

  /**
   * Chromium sends a few packets at the full rate when the limit in the answer rises: the answer there is, is given to it
   * once more, with one bit a second more. The relay is not asked, as nothing else changes.
   */
  async #raiseLimit(): Promise<void> {
    const answer = this.#connection.currentRemoteDescription;
    if (answer === null || this.#connection.signalingState !== 'stable') return;
    const sdp = answer.sdp.replace(LIMIT, (_, limit: string) => `b=TIAS:${Number(limit) + 1}`);
    // Asked for together, so that the browser lets no other offer come between them.
    await Promise.all([
      this.#connection.setLocalDescription(),
      this.#connection.setRemoteDescription({ type: 'answer', sdp }),
    ]);
  }

  /** For the next ICE restart; what is connected stays so. */
  renew(iceServers: readonly IceServer[]): void {
    this.#connection.setConfiguration(configuration(iceServers));
  }

  stats(): Promise<RTCStatsReport> {
    return this.#connection.getStats();
  }

  /** Silence is at once, and for the sound that waits to be played as well. */
  hear(on: boolean): void {
    for (const { microphone } of this.#slots.values()) microphone.receiver.track.enabled = on;
  }

  /** When anybody's sound was last played, in milliseconds since 1970; null: never. */
  lastHeard(): number | null {
    const sources = [...this.#slots.values()].flatMap(soundIn);
    return sources.length === 0 ? null : Math.max(...sources.map(({ timestamp }) => timestamp));
  }

  /** How loud it is in this seat now, from 0 to 1, as the packets say (RFC 6464). */
  loudness(seat: Seat): number {
    const slots = this.#slots.get(seat);
    const sources = slots === undefined ? [] : soundIn(slots);
    return Math.max(0, ...sources.map(({ audioLevel }) => audioLevel ?? 0));
  }

  close(): void {
    this.#observer = null;
    this.#connection.close();
  }

  #sections(): Section[] {
    return [
      ...MEDIA.map((medium): Section => [{ medium }, this.#lines[medium]]),
      ...[...this.#slots].flatMap(([seat, slots]) =>
        MEDIA.map((medium): Section => [{ seat, medium }, slots[medium]]),
      ),
    ];
  }

  #fail(): void {
    this.#observer?.changed('failed');
  }
}

/**
 * Chromium forgets by how much it has made the picture smaller when it is to weigh size against rate in another way than
 * before. Otherwise it grows in steps of two seconds. In the end it weighs them as it does by itself.
 */
async function scaleAnew(sender: RTCRtpSender): Promise<void> {
  for (const degradationPreference of ['balanced', 'maintain-framerate'] as const) {
    const parameters = { ...sender.getParameters(), degradationPreference };
    await sender.setParameters(parameters);
  }
}

function configuration(iceServers: readonly IceServer[]): RTCConfiguration {
  return {
    bundlePolicy: 'max-bundle',
    iceServers: iceServers.map((server) => ({ ...server, urls: [...server.urls] })),
  };
}

/**
 * The order in which they are added is that of the sections in the offer, all of them in every mode. Lines are added by kind,
 * without a track, so that nothing leaves the browser before there is a partner.
 */
function addLines(connection: RTCPeerConnection): PerMedium {
  // Names microphone and camera as one stream in the offer. The tracks come and go without it.
  const streams = [new MediaStream()];
  return {
    microphone: connection.addTransceiver('audio', { direction: 'sendonly', streams }),
    camera: addCamera(connection, { direction: 'sendonly', streams }),
    screen: connection.addTransceiver('video', { direction: 'sendonly' }),
  };
}

function addSlots(connection: RTCPeerConnection): PerMedium {
  return {
    microphone: connection.addTransceiver('audio', { direction: 'recvonly' }),
    camera: connection.addTransceiver('video', { direction: 'recvonly' }),
    screen: connection.addTransceiver('video', { direction: 'recvonly' }),
  };
}

function streamOf({ microphone, camera }: PerMedium): MediaStream {
  return new MediaStream([microphone.receiver.track, camera.receiver.track]);
}

function soundIn({ microphone }: PerMedium): RTCRtpSynchronizationSource[] {
  return microphone.receiver.getSynchronizationSources();
}

/** A browser that knows no encodings yet (Firefox before 110) sends what it thinks best. */
function addCamera(connection: RTCPeerConnection, init: RTCRtpTransceiverInit): RTCRtpTransceiver {
  const sendEncodings = [{ maxBitrate: CAMERA_BITS_PER_SECOND }];
  try {
    return connection.addTransceiver('video', { ...init, sendEncodings });
  } catch {
    return connection.addTransceiver('video', init);
  }
}

/** The relay can't serve its section, so the browser stopped it and takes nothing for it any more. The others go on. */
function isRefused(line: RTCRtpTransceiver): boolean {
  return line.currentDirection === 'stopped';
}

function byMid(sections: readonly Section[]): Sections {
  return Object.fromEntries(
    sections.flatMap(([carried, { mid }]) => (mid === null ? [] : [[mid, carried]])),
  );
}

function connectionOf(state: RTCPeerConnectionState): Connection {
  switch (state) {
    case 'new':
    case 'connecting':
    case 'connected':
    case 'disconnected':
      return state;
    case 'failed':
    case 'closed':
      return 'failed';
  }
}
