// Behaviour: events of each kind have their members
// Spec: DOM, HTML, XHR
// Covers: MessageEvent, ProgressEvent, ErrorEvent, CloseEvent, PromiseRejectionEvent
// Expect: value ["m",4,"bad",1006,3]
export default [new MessageEvent('message', { data: 'm' }).data, new ProgressEvent('p', { loaded: 4 }).loaded, new ErrorEvent('error', { message: 'bad' }).message, new CloseEvent('close', { code: 1006 }).code, new PromiseRejectionEvent('unhandledrejection', { promise: Promise.resolve(), reason: 3 }).reason];
