// The areas of web platform tests that a cell is measured by: folders of a checkout, and the files in them that
// cannot say anything about a cell, each with the reason. Everything else that ends in .any.js runs. Files that hold
// the global names against interfaces/*.idl are an area of their own, whichever folder they lie in.
export const areas = {
  url: ['url'],
  urlpattern: ['urlpattern'],
  encoding: ['encoding'],
  'dom events, abort': ['dom/events', 'dom/abort'],
  'hr-time': ['hr-time'],
  'user-timing': ['user-timing'],
  'performance-timeline': ['performance-timeline'],
  'structured clone': ['html/webappapis/structured-clone', 'html/infrastructure/safe-passing-of-structured-data'],
  'timers, microtasks, base64': ['html/webappapis/timers', 'html/webappapis/microtask-queuing', 'html/webappapis/atob', 'html/webappapis/scripting'],
  navigator: ['html/webappapis/system-state-and-capabilities/the-navigator-object'],
  webmessaging: ['webmessaging'],
  streams: ['streams'],
  compression: ['compression'],
  fetch: ['fetch/api/headers', 'fetch/api/request', 'fetch/api/response', 'fetch/api/body', 'fetch/api/abort', 'fetch/api/basic', 'fetch/data-urls'],
  FileAPI: ['FileAPI'],
  WebCryptoAPI: ['WebCryptoAPI'],
  wasm: ['wasm/jsapi', 'wasm/webapi'],
  console: ['console'],
  'xhr formdata': ['xhr/formdata'],
  'MIME types': ['mimesniff/mime-types'],
  webidl: ['webidl/ecmascript-binding', 'WebIDL/ecmascript-binding'],
  websockets: ['websockets'],
  eventsource: ['eventsource'],
  interfaces: [
    'console', 'compression', 'dom', 'encoding', 'fetch/api', 'FileAPI', 'hr-time', 'html/dom', 'performance-timeline', 'streams', 'url',
    'user-timing', 'wasm/jsapi', 'wasm/webapi', 'WebCryptoAPI', 'webidl', 'websockets', 'xhr',
  ],
};

// Interfaces of html.idl, dom.idl … that belong to documents, workers or browsers: not counted.
export const absent = new Set([
  'Window', 'Navigator', 'WorkerGlobalScope', 'DedicatedWorkerGlobalScope', 'WorkerNavigator', 'WorkerLocation', 'Worker', 'SharedWorker', 'Storage',
  'DOMStringList', 'XMLHttpRequest', 'XMLHttpRequestEventTarget', 'XMLHttpRequestUpload', 'FileList', 'FileReaderSync', 'Path2D', 'TextMetrics',
  'ImageBitmap', 'ImageBitmapRenderingContext', 'ImageData', 'CanvasGradient', 'CanvasPattern', 'OffscreenCanvas', 'OffscreenCanvasRenderingContext2D',
  'DOMMatrix', 'DOMMatrixReadOnly', 'DOMPoint', 'DOMPointReadOnly', 'DOMQuad', 'DOMRect', 'DOMRectReadOnly', 'PerformanceTiming', 'PerformanceNavigation',
]);

// Text of a test file that shows that it needs what no cell has.
export const needs = [
  [/get-host-info|\.py\b|\.asis\b|RESOURCES_DIR|\.sub\.|\bdirname\(location|webtransport/, 'a server of web platform tests'],
  [/\bdocument\b(?!['":\]])(?!.*typeof)|\bwindow\.|iframe|\bXMLHttpRequest\b|test_driver|\bnew (?:Shared)?Worker\(/, 'a document, a window or workers'],
  [/\bcaches\b|serviceWorker|indexedDB|navigator\.locks|createImageBitmap|ImageData|requestIdleCallback/, 'other parts of the web platform'],
  [/tc39-discontinued|\$262/, 'the shell of an engine'],
];

// Globs are too much: a path begins so.
export const skipped = [
  ['streams/transferable/', 'a second realm'],
  ['html/infrastructure/safe-passing-of-structured-data/shared-array-buffers/', 'agents that share memory'],
  ['html/infrastructure/safe-passing-of-structured-data/window-', 'a window'],
  ['wasm/webapi/', 'a server of web platform tests'],
  ['FileAPI/url/', 'a server of web platform tests'],
  ['FileAPI/file/send-file-formdata', 'a server of web platform tests'],
  ['encoding/legacy-mb-', 'a document, a window or workers'],
  ['performance-timeline/not-restored-reasons/', 'a document, a window or workers'],
  ['fetch/api/basic/stream-safe-creation', 'a server of web platform tests'],
  ['fetch/api/request/request-init-priority', 'a server of web platform tests'],
  ['eventsource/request-accept', 'a server of web platform tests'],
  ['webmessaging/message-channels/close-event/garbage-collected', 'a garbage collection on request'],
  ['performance-timeline/droppedentriescount', 'a server of web platform tests'],
];
