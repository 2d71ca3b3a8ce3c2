// Global names that lazily loaded parts bring (parts.js): `interfaces` (and namespaces) are not enumerable,
// `functions` are, as Web IDL has it. Each name must be an export of the part's index.js.
export const globals = {
  timers: {
    functions: [
      'setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate', 'queueMicrotask',
    ],
  },
  cloneable: { functions: ['structuredClone'] },
  web_crypto: { interfaces: ['Crypto'] },
  hr_time: { interfaces: ['Performance'] },
  secrets: { interfaces: ['secrets'] },
  dom_exception: { interfaces: ['DOMException', 'QuotaExceededError'] },
  host_errors: {
    interfaces: [
      'HostError', 'PermissionDenied', 'BudgetExceeded', 'InvalidArgument', 'NotFound', 'Conflict', 'IntegrityError',
    ],
  },
  text_coding: { interfaces: ['TextDecoder', 'TextEncoder'], functions: ['atob', 'btoa'] },
  eventsource: { interfaces: ['EventSource'] },
  websocket: { interfaces: ['WebSocket'] },
  crypto: { interfaces: ['CryptoKey', 'SubtleCrypto'] },
  sodium: { interfaces: ['sodium'] },
  emit: { functions: ['emit'] },
  kv: { interfaces: ['kv'] },
  log: { interfaces: ['log'] },
  blob: { interfaces: ['Blob', 'File'] },
  filereader: { interfaces: ['FileReader'] },
  fetch: { interfaces: ['FormData', 'Headers', 'Request', 'Response'], functions: ['fetch'] },
  compression: { interfaces: ['CompressionStream', 'DecompressionStream'] },
  streams: {
    interfaces: [
      'ByteLengthQueuingStrategy', 'CountQueuingStrategy', 'ReadableByteStreamController', 'ReadableStream',
      'ReadableStreamBYOBReader', 'ReadableStreamBYOBRequest', 'ReadableStreamDefaultController',
      'ReadableStreamDefaultReader', 'TextDecoderStream', 'TextEncoderStream', 'TransformStream',
      'TransformStreamDefaultController', 'WritableStream', 'WritableStreamDefaultController',
      'WritableStreamDefaultWriter',
    ],
  },
  events: {
    interfaces: [
      'AbortController', 'AbortSignal', 'CloseEvent', 'CustomEvent', 'ErrorEvent', 'Event', 'EventTarget',
      'MessageEvent', 'ProgressEvent', 'PromiseRejectionEvent',
    ],
    functions: ['addEventListener', 'dispatchEvent', 'removeEventListener', 'reportError'],
  },
  url: { interfaces: ['URL', 'URLSearchParams'] },
  urlpattern: { interfaces: ['URLPattern'] },
  messaging: { interfaces: ['BroadcastChannel', 'MessageChannel', 'MessagePort'] },
  performance: {
    interfaces: [
      'PerformanceEntry', 'PerformanceMark', 'PerformanceMeasure', 'PerformanceObserver', 'PerformanceObserverEntryList',
    ],
  },
  navigator: { interfaces: ['Navigator'] },
};
