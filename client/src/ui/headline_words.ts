// Owns which words say how things stand (obstacle_words.ts: what stands in the way). Pure.

import type { Sight } from '../core/machine/expected';
import { isRepairing } from '../core/machine/negotiation';
import { type Obstacle, obstacleOf } from '../core/machine/obstacle';
import { areAllAway, othersOf } from '../core/machine/others';
import { shared } from '../core/machine/sharing';
import type { Session, WayBack } from '../core/machine/state';
import { stage, headline as words } from '../words';
import { hintBeforeStart, type Words, wordsForObstacle } from './obstacle_words';
import { supportCode } from './support_code';

/** What stands in the way comes before how far things have got. `sight`: what there is to see of the others. */
export function wordsFor(session: Session, sight: Sight | null): Words {
  const obstacle = obstacleOf(session);
  if (obstacle === null) return wordsForPhase(session, sight);
  const said = wordsForObstacle(session, obstacle, sight);
  const code = supportCode(session);
  return code === null || !IN_THE_LOG.includes(obstacle.name)
    ? said
    : { ...said, hint: words.withSupportCode(said.hint, code) };
}

/** What the relay's log says more of. */
const IN_THE_LOG: readonly Obstacle['name'][] = [
  'connection_failed',
  'socket_lost',
  'reconnecting',
];

function wordsForPhase(session: Session, sight: Sight | null): Words {
  const { phase } = session;
  switch (phase.name) {
    case 'idle':
      return { status: words.ready, hint: hintBeforeStart(session) };
    case 'waiting':
      if (session.back !== null) return wordsForBack(session.back);
      return {
        status: phase.after === null ? words.looking : words.lookingAgain(phase.after),
        hint: phase.ownTab === true ? words.ownTab : waitingHint(session),
      };
    case 'talking':
      return (
        wordsForInterruption(session, sight) ?? {
          ...talkingStatus(session),
          hint: talkingHint(session),
        }
      );
    case 'parted':
      if (session.back !== null) return wordsForBack(session.back);
      return { status: words.parted[phase.reason], hint: words.nextFinds };
    case 'cooling':
      return {
        status: words.pause,
        hint: words.goesOnIn(phase.seconds),
        within: phase.seconds,
      };
  }
}

/** For the few seconds in which a Next may be undone. */
function wordsForBack({ step }: WayBack): Words {
  switch (step) {
    case 'open':
      return { status: words.looking, hint: words.backAsks, action: BACK };
    case 'asked':
      return { status: words.looking, hint: words.backAsked };
    case 'wished':
      return { ...words.backWished, action: BACK };
  }
}

const BACK = { label: words.back, does: { type: 'back' } } as const;
const PLAY = { label: words.play, does: { type: 'play' } } as const;

/** What is to be read in the place of the person's own picture. */
export function wordsForSelf({ capture, mode, on }: Session): string {
  if (mode !== 'video') return mode === 'audio' ? stage.audioOnly : stage.textOnly;
  if (!on.camera) return stage.cameraOff;
  switch (capture.name) {
    case 'off':
      return stage.noCamera;
    case 'closed':
      return stage.cameraNotOpen;
    case 'asking':
      return stage.waitingForBrowser;
    case 'open':
      if (capture.muted.camera) return stage.cameraMuted;
      return stage.cameraMissing[capture.lost.camera ?? capture.absent.camera ?? 'other'];
  }
}

/** What is missing in a conversation, and comes back by itself if it can. */
function wordsForInterruption(session: Session, sight: Sight | null): Words | null {
  const { mode } = session;
  if (areAllAway(session)) return words.partnerAway;
  if (isRepairing(session)) {
    return {
      status: mode === 'audio' ? words.repairingSound : words.repairing,
      hint: words.youCanWrite,
    };
  }
  if (othersOf(session).some(({ playback }) => playback === 'stopped')) {
    return {
      status: mode === 'audio' ? words.stoppedSound : words.stoppedPicture,
      hint: words.stoppedBy,
      action: PLAY,
    };
  }
  if (sight === null || sight === 'moving') return null;
  return {
    status: sight === 'late' ? words.noPictureYet : words.noPictureNow,
    hint: words.itComes,
  };
}

function talkingStatus({ socket }: Session): Words {
  if (socket.name !== 'open' || socket.draining === null) return { status: words.talking };
  return { status: words.restarts(socket.draining), within: socket.draining };
}

function talkingHint(session: Session): string {
  const { mode } = session;
  const others = othersOf(session);
  if (mode === 'text') return words.onlyTheTwo;
  if (mode === 'audio') {
    const both = others.some(({ microphone }) => microphone) && shared(session).microphone;
    return both ? words.bothHear : words.nobodySees;
  }
  const filmed = others.filter(({ camera }) => camera);
  if (filmed.length === 0) return words.theirCameraIsOff;
  return filmed.every(({ unseen }) => unseen) ? words.cannotBeShown : words.pictureComes;
}

function waitingHint(session: Session): string {
  const { microphone, camera } = shared(session);
  if (camera) return microphone ? words.notSeenOrHeard : words.notSeen;
  return microphone ? words.notHeard : words.withoutDevices[session.mode];
}
