// A WebSocket whose other end is the test. Only what signalling.ts uses of the real one.

import type { ClientMessage, ServerMessage } from '../core/protocol';

export class FakeWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 3;
  /** The newest one made. */
  static last: FakeWebSocket;

  readonly url: string;
  readonly sent: ClientMessage[] = [];
  readyState = FakeWebSocket.CONNECTING;
  closedWith: number | null = null;

  constructor(url: string) {
    super();
    this.url = url;
    FakeWebSocket.last = this;
  }

  send(frame: string): void {
    this.sent.push(JSON.parse(frame));
  }

  close(code = 1005): void {
    this.closedWith = code;
    this.drop(code);
  }

  open(): void {
    this.readyState = FakeWebSocket.OPEN;
  }

  receive(message: ServerMessage): void {
    this.receiveFrame(JSON.stringify(message));
  }

  receiveFrame(data: unknown): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data }));
  }

  drop(code: number): void {
    this.readyState = FakeWebSocket.CLOSED;
    this.dispatchEvent(Object.assign(new Event('close'), { code }));
  }

  events(): string[] {
    return this.sent.map((message) => message.event);
  }
}
