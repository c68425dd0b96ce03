// Owns the moving parts (socket, camera, media connection), runs the effects that session.ts asks
// for, and tells subscribers. It takes no decision: each thing that happens becomes an event.

import { closeCamera, openCamera } from './camera';
import { Peer } from './peer';
import type { IceServer } from './protocol';
import { reduce } from './session';
import { Signalling } from './signalling';
import { type Effect, FIRST_STATE, type Session, type SessionEvent } from './state';

export interface Snapshot {
  readonly session: Session;
  /** What the person's own camera and microphone give. */
  readonly local: MediaStream | null;
  /** What the partner sends. It outlives partners: the relay feeds it from whoever is next. */
  readonly partner: MediaStream | null;
}

export class Conversation {
  readonly #signalling: Signalling;
  readonly #subscribers = new Set<() => void>();
  #snapshot: Snapshot = { session: FIRST_STATE, local: null, partner: null };
  #peer: Peer | null = null;
  #closed = false;

  /** Begins at once: dials the relay and asks for camera and microphone. */
  constructor(url: string) {
    this.#signalling = new Signalling(url, {
      received: (message) => this.#happen({ type: 'received', message }),
      lost: (loss) => this.#happen({ type: 'link_lost', loss }),
    });
    void this.#askForCamera();
  }

  /** The same object until something changed, as `useSyncExternalStore` wants it. */
  readonly snapshot = (): Snapshot => this.#snapshot;

  /** Returns what ends the subscription. */
  readonly subscribe = (changed: () => void): (() => void) => {
    this.#subscribers.add(changed);
    return () => this.#subscribers.delete(changed);
  };

  readonly start = (): void => this.#happen({ type: 'start' });
  readonly next = (): void => this.#happen({ type: 'next' });
  readonly stop = (): void => this.#happen({ type: 'stop' });
  readonly say = (text: string): void =>
    this.#happen({ type: 'say', id: crypto.randomUUID(), text });

  /** Media first, then the link, then the camera whose light the person is watching. */
  close(): void {
    this.#closed = true;
    this.#peer?.close();
    this.#signalling.close();
    if (this.#snapshot.local !== null) closeCamera(this.#snapshot.local);
    this.#subscribers.clear();
  }

  async #askForCamera(): Promise<void> {
    const outcome = await openCamera();
    if ('failure' in outcome) {
      this.#happen({ type: 'camera_failed', failure: outcome.failure });
    } else if (this.#closed) {
      closeCamera(outcome.stream);
    } else {
      this.#snapshot = { ...this.#snapshot, local: outcome.stream };
      this.#happen({ type: 'camera_granted' });
    }
  }

  /** The state moves before its effects run, because an effect may make the next thing happen. */
  #happen(event: SessionEvent): void {
    if (this.#closed) return;
    const before = this.#snapshot;
    const [session, effects] = reduce(before.session, event);
    if (session !== before.session) this.#snapshot = { ...before, session };
    for (const effect of effects) this.#run(effect);
    if (this.#snapshot !== before) for (const changed of this.#subscribers) changed();
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#signalling.send(effect.message);
        break;
      case 'start_media':
        void this.#peer?.send(true);
        break;
      case 'stop_media':
        void this.#peer?.send(false);
        break;
      case 'open_peer':
        this.#openPeer(effect.iceServers);
        break;
      case 'accept_answer':
        void this.#peer?.accept(effect.sdp);
        break;
      case 'close_peer':
        this.#closePeer();
        break;
    }
  }

  #openPeer(iceServers: readonly IceServer[]): void {
    const { local } = this.#snapshot;
    if (local === null) return;
    this.#closePeer();
    const peer = new Peer(local, iceServers, {
      offered: (sdp, lines) => this.#happen({ type: 'offered', offer: { sdp, lines } }),
      gathered: (candidate) =>
        this.#happen({
          type: 'gathered',
          candidate: {
            candidate: candidate?.candidate ?? '',
            sdp_mid: candidate?.sdpMid ?? null,
            sdp_m_line_index: candidate?.sdpMLineIndex ?? null,
          },
        }),
      changed: (connection) => this.#happen({ type: 'connection_changed', connection }),
    });
    this.#peer = peer;
    this.#snapshot = { ...this.#snapshot, partner: peer.partner };
    void peer.offer();
  }

  #closePeer(): void {
    this.#peer?.close();
    this.#peer = null;
    this.#snapshot = { ...this.#snapshot, partner: null };
  }
}
