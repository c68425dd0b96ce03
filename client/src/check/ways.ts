// Owns one try of one way to the relay: a WebSocket of its own, and a media connection that may use that
// way only. It needs neither camera nor microphone, and nothing is sent over it.

import { type Door, knock } from '../core/door';
import type { IceServer } from '../core/protocol';
import { relayUrl, Signalling } from '../core/signalling';

export const WAYS = ['WebSocket', 'UDP', 'TCP', 'TURN'] as const;
export type Way = (typeof WAYS)[number];

export type Outcome =
  | { readonly state: 'trying' }
  | { readonly state: 'works'; readonly milliseconds: number }
  /** `why`: what the relay says of it, over HTTP or before it closed. */
  | { readonly state: 'blocked'; readonly why?: Door | Refusal }
  | { readonly state: 'absent' }
  /** Media is agreed on over a WebSocket, and that was not to be had. */
  | { readonly state: 'untried' };

/** What a WebSocket that opens may be told at once. */
export const REFUSALS = ['server_full', 'server_draining', 'too_many_connections'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** As long as browsers themselves try before they give a connection up. */
const PATIENCE = 15_000;

export async function attempt(way: Way): Promise<Outcome> {
  const begun = performance.now();
  let refusal: Refusal | null = null;
  let isInside = false;
  const reached = new Promise<'works' | 'blocked' | 'absent'>((settle) => {
    const timer = setTimeout(() => settle('blocked'), PATIENCE);
    const done = (outcome: 'works' | 'blocked' | 'absent') => {
      clearTimeout(timer);
      link.close();
      connection?.close();
      settle(outcome);
    };
    let connection: RTCPeerConnection | null = null;
    const link = new Signalling(relayUrl(location.href), {
      lost: () => done('blocked'),
      received: (message) => {
        if (message.event === 'connected') {
          isInside = true;
          if (way === 'WebSocket') return done('works');
          const servers = message.data.ice_servers;
          if (way === 'TURN' && servers.length === 0) return done('absent');
          connection = open(way, servers, () => done('works'));
          void offer(connection, link);
        } else if (message.event === 'webrtc_answer') {
          const { sdp: whole } = message.data;
          const sdp = way === 'UDP' || way === 'TCP' ? only(way, whole) : whole;
          connection?.setRemoteDescription({ type: 'answer', sdp }).catch(() => done('blocked'));
        } else if (message.event === 'error') {
          const { code } = message.data;
          refusal = REFUSALS.find((each) => each === code) ?? null;
          done('blocked');
        }
      },
    });
  });
  const state = await reached;
  if (state === 'works') return { state, milliseconds: performance.now() - begun };
  if (state === 'absent') return { state };
  if (way !== 'WebSocket' && !isInside) return { state: 'untried' };
  if (refusal !== null) return { state, why: refusal };
  return way === 'WebSocket' ? { state, why: await knock() } : { state };
}

/** The answer with candidates of one transport. */
export function only(transport: 'UDP' | 'TCP', sdp: string): string {
  const wanted = transport.toLowerCase();
  return sdp
    .split('\r\n')
    .filter((line) => !line.startsWith('a=candidate:') || line.split(' ')[2] === wanted)
    .join('\r\n');
}

function open(way: Way, servers: readonly IceServer[], connected: () => void): RTCPeerConnection {
  const connection = new RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    iceServers:
      way === 'TURN' ? servers.map((server) => ({ ...server, urls: [...server.urls] })) : [],
    iceTransportPolicy: way === 'TURN' ? 'relay' : 'all',
  });
  connection.addTransceiver('audio', { direction: 'sendonly' });
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState === 'connected') connected();
  });
  return connection;
}

async function offer(connection: RTCPeerConnection, link: Signalling): Promise<void> {
  await connection.setLocalDescription();
  const mid = connection.getTransceivers()[0]?.mid ?? '0';
  const sdp = connection.localDescription?.sdp ?? '';
  link.send({ event: 'webrtc_offer', data: { sdp, lines: { [mid]: 'microphone' } } });
}
