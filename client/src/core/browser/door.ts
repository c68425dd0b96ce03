// Owns the question why the WebSocket did not open. A browser tells a page nothing of that, so the page asks
// over HTTP, which the relay answers by the same rules as the handshake.

import type { Door } from '../machine/state';

const PATIENCE = 5_000;

/** Beside the page, wherever that is served. */
export const DOOR = 'videochat/door';

export async function knock(): Promise<Door> {
  try {
    const response = await fetch(DOOR, {
      method: 'POST',
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(PATIENCE),
    });
    return meaning(await response.json());
  } catch (cause) {
    // What answers without JSON is no relay.
    return cause instanceof SyntaxError ? 'not_there' : 'silent';
  }
}

function meaning(answer: unknown): Door {
  if (typeof answer !== 'object' || answer === null) return 'not_there';
  if ('open' in answer) return 'no_websocket';
  const code = 'code' in answer ? answer.code : null;
  return code === 'origin_refused' || code === 'host_refused' || code === 'rate_limited'
    ? code
    : 'not_there';
}
