// Owns the transitions after the browser threw instead of doing what it was asked for.
//
//   asked for                                   what follows
//   connect                                     no WebSocket can be opened from this browser: it is said
//   open_peer                                   no call can be held in this browser: it is said, and text is offered
//   open_capture, switch_device                 the device counts as one that could not be opened
//   restart_ice, accept_answer, send_media      the connection counts as failed, and is repaired (negotiation.ts)
//   ask_consent, give_consent                   the relay said nothing (consent.ts)
//   all the rest                                nothing: what is wanted of it is made good by something else, or is gone
//
// A browser throws because it lacks a part, because a policy or an extension forbids it, or because it is broken.

import { captureThrown, withoutCalls } from './capture';
import * as consent from './consent';
import type { Effect, Step } from './effects';
import { changed } from './negotiation';
import { lost } from './socket';
import type { Session } from './state';

export function thrown(session: Session, by: Effect['type']): Step {
  switch (by) {
    case 'connect':
      return lost(session, 'barred');
    case 'open_peer':
      return withoutCalls(session);
    case 'open_capture':
    case 'switch_device':
      return captureThrown(session);
    case 'restart_ice':
    case 'accept_answer':
    case 'send_media':
      return session.connection === 'none' || session.connection === 'given_up'
        ? [session, []]
        : changed(session, 'failed');
    case 'ask_consent':
      return consent.asked(session, null);
    case 'give_consent':
      return consent.sent(session, 'failed');
    case 'withdraw_consent':
    case 'disconnect':
    case 'knock':
    case 'send':
    case 'set_timer':
    case 'set_random_timer':
    case 'close_capture':
    case 'enable_devices':
    case 'hear':
    case 'play':
    case 'play_as_pressed':
    case 'renew_ice_servers':
    case 'probe':
    case 'close_peer':
      return [session, []];
  }
}
