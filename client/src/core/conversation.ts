// Owns the moving parts (socket, devices, media connection, timers), runs the effects that
// session.ts asks for, and tells subscribers. It takes no decision: each thing that happens becomes
// an event.

import { Capture, type Captured } from './capture';
import { type DeviceFailure, listDevices, onDevicesChanged, type PerDevice } from './devices';
import { type Expected, expected } from './expected';
import { Experience } from './experience';
import { onNetworkChanged } from './network';
import { selectedPath } from './path';
import { Peer } from './peer';
import type { IceServer } from './protocol';
import { Pulse } from './pulse';
import { reduce } from './session';
import { sending } from './sharing';
import { Signalling } from './signalling';
import {
  type Effect,
  FIRST_STATE,
  type PersonEvent,
  type Session,
  type SessionEvent,
} from './state';
import { Timers } from './timers';

export interface Snapshot {
  readonly session: Session;
  /** What the person's own devices give. Null while there are none. */
  readonly local: MediaStream | null;
  /** What the partner sends. It outlives partners: the relay feeds it from whoever is next. */
  readonly partner: MediaStream | null;
}

export class Conversation {
  readonly #url: string;
  readonly #capture = new Capture((kind) => {
    this.#preview();
    this.#happen({ type: 'device_lost', kind, why: 'ended' });
  });
  readonly #timers = new Timers((timer) => this.#happen({ type: 'timer_ended', timer }));
  readonly #subscribers = new Set<() => void>();
  readonly #leaveDevices: () => void;
  readonly #leaveNetwork: () => void;
  #snapshot: Snapshot = { session: FIRST_STATE, local: null, partner: null };
  #signalling: Signalling | null = null;
  #peer: Peer | null = null;
  #experience: Experience | null = null;
  #pulse: Pulse | null = null;
  #closed = false;

  /** Begins at once: dials the relay and asks for camera and microphone. */
  constructor(url: string) {
    this.#url = url;
    this.#leaveDevices = onDevicesChanged(() => void this.#listDevices());
    this.#leaveNetwork = onNetworkChanged(() => this.#happen({ type: 'network_changed' }));
    this.#happen({ type: 'page_opened' });
  }

  /** The same object until something changed, as `useSyncExternalStore` wants it. */
  readonly snapshot = (): Snapshot => this.#snapshot;

  /** Returns what ends the subscription. */
  readonly subscribe = (changed: () => void): (() => void) => {
    this.#subscribers.add(changed);
    return () => this.#subscribers.delete(changed);
  };

  /** What the person does. */
  readonly act = (event: PersonEvent): void => this.#happen(event);

  /** The page painted the first frame of a picture of the partner, and was in view until then or not. */
  readonly painted = (roomId: string, inView: boolean): void => {
    if (this.#experience?.roomId === roomId) this.#experience.painted(inView);
  };

  /** How loud the partner is now, from 0 to 1. Not state: it changes all the time. */
  readonly loudness = (): number => this.#peer?.loudness() ?? 0;

  /** Media first, then the link, then the devices whose light the person is watching. */
  close(): void {
    this.#closed = true;
    this.#experience?.close();
    this.#pulse?.close();
    this.#peer?.close();
    this.#signalling?.close();
    this.#capture.close();
    this.#timers.close();
    this.#leaveDevices();
    this.#leaveNetwork();
    this.#subscribers.clear();
  }

  /** The state moves before its effects run, because an effect may make the next thing happen. */
  #happen(event: SessionEvent): void {
    if (this.#closed) return;
    const before = this.#snapshot;
    const [session, effects] = reduce(before.session, event);
    if (session !== before.session) this.#snapshot = { ...before, session };
    this.#watch(expected(before.session), expected(session));
    this.#feel(sending(session));
    for (const effect of effects) this.#run(effect);
    if (this.#snapshot !== before) for (const changed of this.#subscribers) changed();
  }

  #run(effect: Effect): void {
    switch (effect.type) {
      case 'send':
        this.#signalling?.send(effect.message);
        break;
      case 'set_timer':
        this.#timers.set(effect.timer, effect.seconds);
        break;
      case 'set_random_timer':
        this.#timers.setRandom(effect.timer, effect.atMost);
        break;
      case 'dial':
        this.#dial();
        break;
      case 'open_capture':
        void this.#captured(this.#capture.open(effect.wanted), (failure) => ({
          type: 'capture_failed',
          failure,
        }));
        break;
      case 'close_capture':
        this.#capture.close();
        this.#preview();
        break;
      case 'switch_device':
        void this.#captured(this.#capture.switch(effect.kind, effect.id), (why) => ({
          type: 'device_lost',
          kind: effect.kind,
          why,
        }));
        break;
      case 'enable_devices':
        this.#capture.enable(effect.on);
        break;
      case 'send_media':
        this.#send(effect.sending);
        break;
      case 'open_peer':
        this.#openPeer(effect.iceServers);
        break;
      case 'renew_ice_servers':
        this.#peer?.renew(effect.iceServers);
        break;
      case 'restart_ice':
        void this.#peer?.restart();
        break;
      case 'accept_answer':
        void this.#peer?.accept(effect.sdp);
        break;
      case 'probe':
        void this.#peer?.probe(effect.whole);
        break;
      case 'close_peer':
        this.#closePeer();
        break;
    }
  }

  /** What was open is closed when this is called, and what is asked for comes when it comes. */
  async #captured(
    asked: Promise<Captured>,
    failed: (failure: DeviceFailure) => SessionEvent,
  ): Promise<void> {
    this.#preview();
    const outcome = await asked;
    if (outcome === 'overtaken') return;
    this.#preview();
    this.#send(sending(this.#snapshot.session));
    this.#happen(
      'using' in outcome ? { type: 'captured', using: outcome.using } : failed(outcome.failure),
    );
    await this.#listDevices();
  }

  #preview(): void {
    this.#snapshot = { ...this.#snapshot, local: this.#capture.preview() };
  }

  /** The browser tells devices by name only after the person allowed one. */
  async #listDevices(): Promise<void> {
    this.#happen({ type: 'devices_listed', devices: await listDevices() });
  }

  #send(on: PerDevice<boolean>): void {
    void this.#peer?.send({
      microphone: on.microphone ? this.#capture.track('microphone') : null,
      camera: on.camera ? this.#capture.track('camera') : null,
    });
  }

  #openPeer(iceServers: readonly IceServer[]): void {
    this.#closePeer();
    const peer = new Peer(iceServers, {
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
      changed: (connection) => {
        this.#happen({ type: 'connection_changed', connection });
        if (connection === 'connected') void this.#findPath(peer);
      },
    });
    this.#peer = peer;
    this.#snapshot = { ...this.#snapshot, partner: peer.partner };
    this.#send(sending(this.#snapshot.session));
    void peer.offer();
  }

  /** The relay counts how people get through, and sees only its own end. */
  async #findPath(peer: Peer): Promise<void> {
    const path = selectedPath(await peer.stats());
    if (path !== null && peer === this.#peer) this.#happen({ type: 'path_found', path });
  }

  /** Each conversation is measured from when its partner was found. */
  #watch(before: Expected | null, after: Expected | null): void {
    if (before?.roomId === after?.roomId && before?.medium === after?.medium) return;
    if (before?.roomId !== after?.roomId) {
      this.#experience?.close();
      this.#experience = null;
    }
    if (after === null) return;
    this.#experience ??= new Experience(after.roomId, () => this.#peer, {
      seenOrHeard: (first) => this.#happen({ type: 'seen_or_heard', first }),
      measured: (report) => this.#happen({ type: 'quality_measured', report }),
    });
    this.#experience.expect(after.medium);
  }

  /** The relay acknowledges only what is sent. */
  #feel(on: PerDevice<boolean>): void {
    const sends = on.microphone || on.camera;
    if (sends === (this.#pulse !== null)) return;
    this.#pulse?.close();
    this.#pulse = sends
      ? new Pulse(
          () => this.#peer,
          () => this.#happen({ type: 'media_silent' }),
        )
      : null;
  }

  #closePeer(): void {
    this.#peer?.close();
    this.#peer = null;
    this.#snapshot = { ...this.#snapshot, partner: null };
  }

  #dial(): void {
    this.#signalling?.abandon();
    this.#signalling = new Signalling(this.#url, {
      received: (message) => this.#happen({ type: 'received', message }),
      lost: (loss) => this.#happen({ type: 'link_lost', loss }),
    });
  }
}
