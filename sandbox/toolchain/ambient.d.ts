// What a job finds on its global object beyond ECMAScript, for type checks.
type IsolaneJson = null | boolean | number | string | IsolaneJson[] | { [key: string]: IsolaneJson };

declare const job: {
  readonly id: string;
  readonly tenant: string;
  readonly attempt: number;
  readonly input: any;
  readonly env: { readonly [name: string]: string };
  readonly parents: { readonly [id: string]: { outcome: string; value: any; truncated?: true } };
  progress(fraction: number, text?: string): void;
};
declare const secrets: { readonly names: readonly string[]; get(name: string): Promise<string> };
declare const sodium: { readonly [name: string]: any };

declare class HostError extends Error {}
declare class PermissionDenied extends HostError {}
declare class BudgetExceeded extends HostError {}
declare class InvalidArgument extends HostError {}
declare class NotFound extends HostError {}
declare class Conflict extends HostError {}

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
declare function structuredClone<T>(value: T, options?: { transfer?: readonly ArrayBuffer[] }): T;
declare function atob(text: string): string;
declare function btoa(text: string): string;

type BufferSource = ArrayBufferView | ArrayBuffer;
declare class TextEncoder {
  readonly encoding: string;
  encode(text?: string): Uint8Array<ArrayBuffer>;
  encodeInto(text: string, bytes: Uint8Array): { read: number; written: number };
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  readonly encoding: string;
  readonly fatal: boolean;
  readonly ignoreBOM: boolean;
  decode(bytes?: BufferSource, options?: { stream?: boolean }): string;
}
declare class DOMException extends Error {
  constructor(message?: string, name?: string);
  readonly code: number;
}
declare const performance: { now(): number; readonly timeOrigin: number };
declare const crypto: {
  getRandomValues<T extends ArrayBufferView>(array: T): T;
  randomUUID(): `${string}-${string}-${string}-${string}-${string}`;
};

interface ImportMeta {
  readonly url: string;
  readonly main: boolean;
}
