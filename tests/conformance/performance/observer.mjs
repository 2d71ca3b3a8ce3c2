// Behaviour: an observer is told of entries
// Spec: Performance Timeline
// Covers: PerformanceObserver, PerformanceObserverEntryList
// Expect: value [["x"],true]
const got = new Promise((done) => new PerformanceObserver((list) => done([list.getEntries().map((e) => e.name), list instanceof PerformanceObserverEntryList])).observe({ entryTypes: ['mark'] }));
performance.mark('x');
const timer = setTimeout(() => {}, 50); const r = await got; clearTimeout(timer);
export default r;
