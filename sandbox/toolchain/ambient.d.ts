// What a job finds on its global object that is Isolane's own, or simpler here than elsewhere. The rest comes
// from lib.webworker.d.ts (web_types.mjs).
declare const job: {
  readonly id: string;
  readonly tenant: string;
  readonly attempt: number;
  readonly input: any;
  readonly env: { readonly [name: string]: string };
  readonly parents: { readonly [id: string]: { outcome: string; value: any; truncated?: true } };
  readonly artifacts: {
    list(): Promise<IsolaneArtifactInfo[]>;
    get(name: string): Promise<IsolaneArtifact>;
    put(
      name: string,
      data: IsolanePiece | { stream(): AsyncIterable<IsolanePiece> } | Iterable<IsolanePiece> | AsyncIterable<IsolanePiece>,
      options?: { type?: string },
    ): Promise<IsolaneArtifactInfo & { type: string | null; object: string }>;
  };
  progress(fraction: number, text?: string): void;
};
type IsolanePiece = string | BufferSource;
interface IsolaneArtifactInfo {
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
}
interface IsolaneArtifact extends IsolaneArtifactInfo, AsyncIterable<Uint8Array<ArrayBuffer>> {
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  text(): Promise<string>;
  json(): Promise<any>;
  stream(): any;
}
declare const secrets: { readonly names: readonly string[]; get(name: string): Promise<string> };
declare const sodium: { readonly [name: string]: any };

declare class HostError extends Error {}
declare class PermissionDenied extends HostError {}
declare class BudgetExceeded extends HostError {}
declare class InvalidArgument extends HostError {}
declare class NotFound extends HostError {}
declare class Conflict extends HostError {}
declare class IntegrityError extends HostError {}

interface IsolaneKvEntry<T> {
  readonly key: string;
  readonly value: T;
  readonly revision: number;
  readonly storedAt: number;
  readonly expiresAt: number | undefined;
}
type IsolaneKvChange<T> =
  | ({ readonly type: 'put' } & IsolaneKvEntry<T>)
  | { readonly type: 'delete'; readonly key: string; readonly revision: number }
  | { readonly type: 'current' };
interface IsolaneKvType {
  json: any;
  text: string;
  bytes: Uint8Array<ArrayBuffer>;
}
declare const kv: {
  get<T extends keyof IsolaneKvType = 'json'>(key: string, options?: { type?: T }): Promise<IsolaneKvType[T] | undefined>;
  entry<T extends keyof IsolaneKvType = 'json'>(
    key: string,
    options?: { type?: T },
  ): Promise<IsolaneKvEntry<IsolaneKvType[T]> | undefined>;
  put(key: string, value: any, options?: { revision?: number; ttlMs?: number }): Promise<number>;
  delete(key: string, options?: { revision?: number }): Promise<void>;
  list(options?: { prefix?: string; limit?: number }): Promise<{ keys: string[]; complete: boolean }>;
  watch<T extends keyof IsolaneKvType = 'json'>(options?: {
    prefix?: string;
    type?: T;
  }): AsyncIterableIterator<IsolaneKvChange<IsolaneKvType[T]>>;
};
declare function emit(
  job: { [field: string]: any },
  options?: { class?: 'high' | 'normal' | 'low' },
): Promise<{ id: string; seq: number; duplicate: boolean }>;
declare const log: {
  [level in 'debug' | 'info' | 'warn' | 'error']: (message: string, fields?: { [name: string]: unknown }) => void;
};

interface Console {
  assert(condition?: unknown, ...data: unknown[]): void;
  clear(): void;
  count(label?: string): void;
  countReset(label?: string): void;
  debug(...data: unknown[]): void;
  dir(item?: unknown, options?: object): void;
  dirxml(...data: unknown[]): void;
  error(...data: unknown[]): void;
  group(...data: unknown[]): void;
  groupCollapsed(...data: unknown[]): void;
  groupEnd(): void;
  info(...data: unknown[]): void;
  log(...data: unknown[]): void;
  table(data?: unknown, columns?: readonly string[]): void;
  time(label?: string): void;
  timeEnd(label?: string): void;
  timeLog(label?: string, ...data: unknown[]): void;
  trace(...data: unknown[]): void;
  warn(...data: unknown[]): void;
}
declare var console: Console;

declare function setTimeout<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): number;
declare function setInterval<A extends unknown[]>(callback: (...args: A) => void, ms?: number, ...args: A): number;
declare function setImmediate<A extends unknown[]>(callback: (...args: A) => void, ...args: A): number;
declare function clearTimeout(id?: number): void;
declare function clearInterval(id?: number): void;
declare function clearImmediate(id?: number): void;
declare function queueMicrotask(callback: () => void): void;

interface IsolaneEventMap {
  error: ErrorEvent;
  rejectionhandled: PromiseRejectionEvent;
  unhandledrejection: PromiseRejectionEvent;
}
declare function addEventListener<K extends keyof IsolaneEventMap>(
  type: K,
  listener: (this: typeof globalThis, event: IsolaneEventMap[K]) => any,
  options?: boolean | AddEventListenerOptions,
): void;
declare function addEventListener(
  type: string,
  listener: EventListenerOrEventListenerObject | null,
  options?: boolean | AddEventListenerOptions,
): void;
declare function removeEventListener<K extends keyof IsolaneEventMap>(
  type: K,
  listener: (this: typeof globalThis, event: IsolaneEventMap[K]) => any,
  options?: boolean | EventListenerOptions,
): void;
declare function removeEventListener(
  type: string,
  listener: EventListenerOrEventListenerObject | null,
  options?: boolean | EventListenerOptions,
): void;
declare function dispatchEvent(event: Event): boolean;
declare var onerror: ((...args: any[]) => any) | null;
declare var onunhandledrejection: ((this: typeof globalThis, event: PromiseRejectionEvent) => any) | null;
declare var onrejectionhandled: ((this: typeof globalThis, event: PromiseRejectionEvent) => any) | null;
declare var self: typeof globalThis;

// Wider in browsers.
type Transferable = ArrayBuffer | MessagePort | ReadableStream | WritableStream | TransformStream;
type MessageEventSource = object;

// Here with headers of the script's own.
interface WebSocketOptions {
  protocols?: string | string[];
  headers?: HeadersInit;
}
interface WebSocketEvents {
  open: Event;
  message: MessageEvent;
  error: ErrorEvent;
  close: CloseEvent;
}
declare class WebSocket extends EventTarget {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;
  constructor(url: string | URL, protocols?: string | string[] | WebSocketOptions);
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  readonly url: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly extensions: string;
  readonly protocol: string;
  binaryType: 'blob' | 'arraybuffer';
  onopen: ((this: WebSocket, event: Event) => any) | null;
  onmessage: ((this: WebSocket, event: MessageEvent) => any) | null;
  onerror: ((this: WebSocket, event: ErrorEvent) => any) | null;
  onclose: ((this: WebSocket, event: CloseEvent) => any) | null;
  send(data: string | ArrayBufferLike | ArrayBufferView | Blob): void;
  close(code?: number, reason?: string): void;
  addEventListener<K extends keyof WebSocketEvents>(
    type: K,
    listener: (this: WebSocket, event: WebSocketEvents[K]) => any,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject | null, options?: boolean | AddEventListenerOptions): void;
}

declare class QuotaExceededError extends DOMException {
  constructor(message?: string, options?: { quota?: number; requested?: number });
  readonly quota: number | null;
  readonly requested: number | null;
}

/** @adds */
interface Blob {
  textStream(): ReadableStream<string>;
}
/** @adds */
interface Body {
  textStream(): ReadableStream<string>;
}

interface ImportMeta {
  readonly url: string;
  readonly filename: string;
  readonly dirname: string;
  readonly main: boolean;
  resolve(specifier: string): string;
}

declare class Navigator {
  private constructor();
  readonly userAgent: string;
  readonly hardwareConcurrency: number;
  readonly language: string;
}
declare const navigator: Navigator;
