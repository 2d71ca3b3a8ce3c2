// The areas of web platform tests that a cell is measured by: folders of a checkout, and the files in them that
// cannot say anything about a cell, each with the reason. Everything else that ends in .any.js runs.
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
  webmessaging: ['webmessaging'],
  streams: ['streams'],
  compression: ['compression'],
  fetch: ['fetch/api/headers', 'fetch/api/request', 'fetch/api/response', 'fetch/api/body', 'fetch/api/abort', 'fetch/api/basic', 'fetch/data-urls'],
  FileAPI: ['FileAPI'],
  WebCryptoAPI: ['WebCryptoAPI'],
  wasm: ['wasm/jsapi', 'wasm/webapi'],
  console: ['console'],
  'xhr formdata': ['xhr/formdata'],
  webidl: ['webidl/ecmascript-binding', 'WebIDL/ecmascript-binding'],
};

// Text of a test file that shows that it needs what no cell has.
export const needs = [
  [/get-host-info|\.py\b|RESOURCES_DIR|\.sub\.|\bdirname\(location|webtransport/, 'a server of web platform tests'],
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
  ['performance-timeline/droppedentriescount', 'a server of web platform tests'],
];
