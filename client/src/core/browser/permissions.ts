// Owns what the browser says of the person's permission for camera and microphone, now and whenever it changes.

import type { DeviceKind, Permission } from '../machine/devices';

export async function permissionOf(kind: DeviceKind): Promise<Permission> {
  return (await statusOf(kind))?.state ?? 'unknown';
}

/** Tells of both as soon as they are known, and of each change. Returns what ends it. */
export function onPermissionChanged(
  changed: (kind: DeviceKind, permission: Permission) => void,
): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  for (const kind of ['camera', 'microphone'] as const) {
    void statusOf(kind).then((status) => {
      if (status === null || signal.aborted) return;
      status.addEventListener('change', () => changed(kind, status.state), { signal });
      changed(kind, status.state);
    });
  }
  return () => ending.abort();
}

async function statusOf(kind: DeviceKind): Promise<PermissionStatus | null> {
  try {
    return await navigator.permissions.query({ name: kind });
  } catch {
    return null;
  }
}
