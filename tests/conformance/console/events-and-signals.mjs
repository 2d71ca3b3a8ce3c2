// Behaviour: events, signals and entries of the timeline print what they say of themselves
// Spec: https://console.spec.whatwg.org/#formatter
// Expect: stdout "CustomEvent { type: 'c', defaultPrevented: false, cancelable: true, timeStamp: 0 }\nAbortController { signal: AbortSignal { aborted: true } }\nPerformanceMark {\n  name: 'm',\n  entryType: 'mark',\n  startTime: 5,\n  duration: 0,\n  detail: null\n}\n"
const event = new CustomEvent('c', { cancelable: true });
Object.defineProperty(event, 'timeStamp', { value: 0 });
console.log(event);
const controller = new AbortController();
controller.abort();
console.log(controller);
console.log(performance.mark('m', { startTime: 5 }));
