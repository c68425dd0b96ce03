// Owns the moving parts (socket, devices, media connection, timers), runs the effects that
// session.ts asks for, and tells subscribers. It takes no decision: each thing that happens becomes
// an event.

import { abilities } from './browser/abilities';
import { askConsent, giveConsent, withdrawConsent } from './browser/consent';
import { listDevices, onDevicesChanged } from './browser/devices';
import { knock } from './browser/door';
import { Experience } from './browser/experience';
import { MediaSilence } from './browser/media_silence';
import { onNetworkChanged, onWoken } from './browser/network';
import { OwnTracks } from './browser/own_tracks';
import { selectedPath } from './browser/path';
import { Peer } from './browser/peer';
import { onPermissionChanged } from './browser/permissions';
import { Playback } from './browser/playback';
import { Signalling } from './browser/signalling';
import { onTabsAgreed } from './browser/tabs';
import { Timers } from './browser/timers';
import type { Captured, PerDevice } from './machine/devices';
import type { Effect } from './machine/effects';
import type { PersonEvent, SessionEvent } from './machine/events';
import { type Expected, expected, isHeard, played } from './machine/expected';
import { NOTHING_RECEIVED, type Seat } from './machine/lines';
import { reduce } from './machine/session';
import { sending } from './machine/sharing';
import { SILENCE_SECONDS } from './machine/socket';
import { FIRST_STATE, type Session } from './machine/state';
import type { IceServer } from './protocol';

export interface Snapshot {
  readonly session: Session;
  /** What the person's own devices give. Null while there are none. */
  readonly local: MediaStream | null;
  /**
   * What comes for each seat; null while there is no connection. It outlives who sits there: the relay feeds it from the
   * next one.
   */
  readonly received: ReadonlyMap<Seat, MediaStream | null>;
}

export class Conversation {
  readonly #url: string;
  readonly #tracks = new OwnTracks({
    ended: (kind) => {
      this.#preview();
      this.#happen({ type: 'device_ended', kind });
    },
    muted: (kind, muted) => this.#happen({ type: 'device_muted', kind, muted }),
  });
  readonly #timers = new Timers((timer) => this.#happen({ type: 'timer_ended', timer }));
  readonly #subscribers = new Set<() => void>();
  readonly #leaving: (() => void)[] = [];
  #snapshot: Snapshot = { session: FIRST_STATE, local: null, received: NOTHING_RECEIVED };
  #signalling: Signalling | null = null;
  #peer: Peer | null = null;
  #experience: Experience | null = null;
  #mediaSilence: MediaSilence | null = null;
  readonly #playbacks = new Map<Seat, Playback>();
  #closed = false;

  /** Asks nothing of the browser, so that the page is there before anything can go wrong. */
  constructor(url: string) {
    this.#url = url;
  }

  /** Begins: asks whether the person has to agree to something first, and connects to the relay. Once. */
  open(): void {
    this.#watchBrowser(() => onDevicesChanged(() => void this.#listDevices()));
    this.#watchBrowser(() => onNetworkChanged(() => this.#happen({ type: 'network_changed' })));
    this.#watchBrowser(() =>
      onPermissionChanged((kind, permission) =>
        this.#happen({ type: 'permission_changed', kind, permission }),
      ),
    );
    this.#watchBrowser(() =>
      onTabsAgreed((browser) => this.#happen({ type: 'tabs_agreed', browser })),
    );
    this.#watchBrowser(() => onWoken(() => this.#happen({ type: 'page_woke' })));
    this.#happen({ type: 'page_opened', able: abilities() });
  }

  /** The same object until something changed, for anyone who follows it. */
  readonly snapshot = (): Snapshot => this.#snapshot;

  /** Returns what ends the subscription. */
  readonly subscribe = (changed: () => void): (() => void) => {
    this.#subscribers.add(changed);
    return () => this.#subscribers.delete(changed);
  };

  /** What the person does. */
  readonly act = (event: PersonEvent): void => this.#happen(event);

  /** The page painted the first frame of somebody's picture, and was in view until then or not. */
  readonly painted = (roomId: string, inView: boolean): void => {
    if (this.#experience?.roomId === roomId) this.#experience.painted(inView);
  };

  /** How loud it is in this seat now, from 0 to 1. Not state: it changes all the time. */
  readonly loudness = (seat: Seat): number => this.#peer?.loudness(seat) ?? 0;

  /** The element in which the page shows who has this seat; null: it is gone. */
  readonly showIn = (seat: Seat, video: HTMLVideoElement | null): void => {
    this.#playbacks.get(seat)?.close();
    this.#playbacks.delete(seat);
    if (video === null) return;
    const playback = new Playback(video, (state) =>
      this.#happen({ type: 'playback_changed', seat, playback: state }),
    );
    this.#playbacks.set(seat, playback);
    playback.want(played(this.#snapshot.session) !== null);
  };

  /** Media first, then the socket, then the devices whose light the person is watching. */
  close(): void {
    this.#closed = true;
    this.#experience?.close();
    this.#mediaSilence?.close();
    for (const playback of this.#playbacks.values()) playback.close();
    this.#peer?.close();
    this.#signalling?.close();
    this.#tracks.close();
    this.#timers.close();
    for (const leave of this.#leaving.splice(0)) leave();
    this.#subscribers.clear();
  }

  /** The state moves before its effects run, because an effect may make the next thing happen. */
  #happen(event: SessionEvent): void {
    if (this.#closed) return;
    const before = this.#snapshot;
    const [session, effects] = reduce(before.session, event);
    if (session !== before.session) this.#snapshot = { ...before, session };
    this.#watch(expected(before.session), expected(session));
    this.#watchForSilence(sending(session));
    for (const effect of effects) this.#attempt(effect);
    if (this.#snapshot !== before) for (const changed of this.#subscribers) changed();
  }

  /** The one boundary to the browser: what it throws is an event like any other, now or later. */
  #attempt(effect: Effect): void {
    try {
      this.#run(effect)?.catch((cause: unknown) => this.#thrown(effect, cause));
    } catch (cause) {
      this.#thrown(effect, cause);
    }
  }

  #thrown({ type }: Effect, cause: unknown): void {
    if (this.#closed) return;
    reportFault(cause);
    this.#happen({ type: 'thrown', by: type });
  }

  /** What a browser can't tell of goes without being watched. */
  #watchBrowser(watch: () => () => void): void {
    try {
      this.#leaving.push(watch());
    } catch (cause) {
      reportFault(cause);
    }
  }

  /** The promise of what is not done yet, if there is one. */
  #run(effect: Effect): Promise<void> | undefined {
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
      case 'connect':
        this.#connect();
        break;
      case 'disconnect':
        this.#signalling?.close();
        this.#signalling = null;
        break;
      case 'ask_consent':
        return this.#askConsent();
      case 'give_consent':
        return this.#giveConsent(effect.rules);
      case 'withdraw_consent':
        void withdrawConsent();
        break;
      case 'knock':
        return this.#knock();
      case 'open_capture':
        return this.#captured(this.#tracks.open(effect.wanted));
      case 'close_capture':
        this.#tracks.close();
        this.#preview();
        break;
      case 'switch_device':
        return this.#captured(this.#tracks.switch(effect.kind, effect.id));
      case 'enable_devices':
        this.#tracks.enable(effect.on);
        break;
      case 'send_media':
        return this.#send(effect.sending);
      case 'hear':
        this.#peer?.hear(effect.on);
        break;
      case 'play':
        for (const playback of this.#playbacks.values()) playback.want(effect.on);
        break;
      case 'play_as_pressed':
        for (const playback of this.#playbacks.values()) playback.press();
        break;
      case 'open_peer':
        return this.#openPeer(effect.iceServers);
      case 'renew_ice_servers':
        this.#peer?.renew(effect.iceServers);
        break;
      case 'restart_ice':
        return this.#peer?.restart();
      case 'accept_answer':
        return this.#peer?.accept(effect.sdp);
      case 'probe':
        return this.#peer?.probe(effect.whole);
      case 'close_peer':
        this.#closePeer();
        break;
    }
    return undefined;
  }

  /** What was open is closed when this is called, and what is asked for comes when it comes. */
  async #captured(asked: Promise<Captured | 'overtaken'>): Promise<void> {
    this.#preview();
    const outcome = await asked;
    if (outcome === 'overtaken') return;
    this.#preview();
    void this.#send(sending(this.#snapshot.session));
    this.#happen({ type: 'captured', ...outcome });
    await this.#listDevices();
  }

  #preview(): void {
    this.#snapshot = { ...this.#snapshot, local: this.#tracks.preview() };
  }

  /** The browser tells devices by name only after the person allowed one. */
  async #listDevices(): Promise<void> {
    this.#happen({ type: 'devices_listed', devices: await listDevices() });
  }

  async #send(on: PerDevice<boolean>): Promise<void> {
    await this.#peer?.send({
      microphone: on.microphone ? this.#tracks.track('microphone') : null,
      camera: on.camera ? this.#tracks.track('camera') : null,
    });
  }

  async #openPeer(iceServers: readonly IceServer[]): Promise<void> {
    this.#closePeer();
    const peer = new Peer(iceServers, {
      offered: (sdp, sections) => this.#happen({ type: 'offered', sdp, sections }),
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
        if (connection === 'connected') this.#findPath(peer).catch(() => undefined);
      },
    });
    this.#peer = peer;
    this.#snapshot = { ...this.#snapshot, received: peer.received };
    peer.hear(isHeard(this.#snapshot.session));
    void this.#send(sending(this.#snapshot.session));
    await peer.offer();
  }

  /** The relay counts how people get through, and sees only its own end. */
  async #findPath(peer: Peer): Promise<void> {
    const path = selectedPath(await peer.stats());
    if (path !== null && peer === this.#peer) this.#happen({ type: 'path_found', path });
  }

  /** Each conversation is measured from its beginning. */
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
  #watchForSilence(on: PerDevice<boolean>): void {
    const sends = on.microphone || on.camera;
    if (sends === (this.#mediaSilence !== null)) return;
    this.#mediaSilence?.close();
    this.#mediaSilence = sends
      ? new MediaSilence(
          () => this.#peer,
          () => this.#happen({ type: 'media_silent' }),
        )
      : null;
  }

  #closePeer(): void {
    this.#peer?.close();
    this.#peer = null;
    this.#snapshot = { ...this.#snapshot, received: NOTHING_RECEIVED };
  }

  async #askConsent(): Promise<void> {
    this.#happen({ type: 'consent_asked', question: await askConsent() });
  }

  async #giveConsent(rules: string): Promise<void> {
    this.#happen({ type: 'consent_sent', outcome: await giveConsent(rules) });
  }

  async #knock(): Promise<void> {
    this.#happen({ type: 'door_answered', door: await knock() });
  }

  #connect(): void {
    this.#signalling?.abandon();
    this.#signalling = new Signalling(this.#url, {
      received: (message) => {
        this.#timers.set('silence', SILENCE_SECONDS);
        this.#happen({ type: 'received', message });
      },
      lost: (loss) => this.#happen({ type: 'socket_lost', loss }),
    });
  }
}

/** To the browser's console, for who looks there. */
function reportFault(cause: unknown): void {
  globalThis.reportError?.(cause);
}
