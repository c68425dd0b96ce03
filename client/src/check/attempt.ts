// Owns one try of one path to the relay: a WebSocket of its own, and a media connection that may use that
// path only. It needs neither camera nor microphone, and nothing is sent over it.

import { knock } from '../core/browser/door';
import { relayUrl, Signalling } from '../core/browser/signalling';
import { REFUSALS, type Refusal } from '../core/machine/state';
import type { IceServer } from '../core/protocol';
import type { Outcome, Path } from './verdict';

/** As long as browsers themselves try before they give a connection up. */
const PATIENCE = 15_000;

export async function attempt(path: Path): Promise<Outcome> {
  const begun = performance.now();
  let refusal: Refusal | null = null;
  let isInside = false;
  let withoutTls = false;
  const reached = new Promise<'works' | 'blocked' | 'absent'>((settle) => {
    const timer = setTimeout(() => settle('blocked'), PATIENCE);
    const done = (outcome: 'works' | 'blocked' | 'absent') => {
      clearTimeout(timer);
      signalling.close();
      connection?.close();
      settle(outcome);
    };
    let connection: RTCPeerConnection | null = null;
    const signalling = new Signalling(relayUrl(location.href), {
      lost: () => done('blocked'),
      received: (message) => {
        if (message.event === 'connected') {
          isInside = true;
          if (path === 'WebSocket') return done('works');
          const servers = message.data.ice_servers;
          if (path === 'TURN' && servers.length === 0) return done('absent');
          withoutTls = path === 'TURN' && !overTls(servers);
          connection = open(path, servers, () => done('works'));
          void offer(connection, signalling);
        } else if (message.event === 'webrtc_answer') {
          const { sdp: whole } = message.data;
          const sdp = path === 'UDP' || path === 'TCP' ? only(path, whole) : whole;
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
  if (state === 'works') return { state, milliseconds: performance.now() - begun, withoutTls };
  if (state === 'absent') return { state };
  if (path !== 'WebSocket' && !isInside) return { state: 'untried' };
  if (refusal !== null) return { state, why: refusal };
  return path === 'WebSocket' ? { state, why: await knock() } : { state };
}

/** Whether one of the TURN servers is reached over TLS. */
export function overTls(servers: readonly IceServer[]): boolean {
  return servers.some(({ urls }) => urls.some((url) => url.startsWith('turns:')));
}

/** The answer with candidates of one transport. */
export function only(transport: 'UDP' | 'TCP', sdp: string): string {
  const wanted = transport.toLowerCase();
  return sdp
    .split('\r\n')
    .filter((line) => !line.startsWith('a=candidate:') || line.split(' ')[2] === wanted)
    .join('\r\n');
}

function open(path: Path, servers: readonly IceServer[], connected: () => void): RTCPeerConnection {
  const connection = new RTCPeerConnection({
    bundlePolicy: 'max-bundle',
    iceServers:
      path === 'TURN' ? servers.map((server) => ({ ...server, urls: [...server.urls] })) : [],
    iceTransportPolicy: path === 'TURN' ? 'relay' : 'all',
  });
  connection.addTransceiver('audio', { direction: 'sendonly' });
  connection.addEventListener('connectionstatechange', () => {
    if (connection.connectionState === 'connected') connected();
  });
  return connection;
}

async function offer(connection: RTCPeerConnection, signalling: Signalling): Promise<void> {
  await connection.setLocalDescription();
  const mid = connection.getTransceivers()[0]?.mid ?? '0';
  const sdp = connection.localDescription?.sdp ?? '';
  signalling.send({ event: 'webrtc_offer', data: { sdp, lines: { [mid]: 'microphone' } } });
}
