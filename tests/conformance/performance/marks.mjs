// Behaviour: marks and measures are entries
// Spec: User Timing
// Covers: performance, PerformanceMark, PerformanceMeasure, PerformanceEntry
// Expect: value [["a","mark"],["m","measure"],true]
const a = performance.mark('a', { startTime: 1, detail: 5 }); performance.mark('b', { startTime: 3 }); const m = performance.measure('m', 'a', 'b');
export default [[a.name, a.entryType], [m.name, m.entryType], m.duration === 2 && a instanceof PerformanceMark && m instanceof PerformanceMeasure && a instanceof PerformanceEntry];
