// expect: heap_exceeded|memory_exceeded|cpu_exceeded
// limits: cpu_ms=1000 heap_mb=16 wall_ms=60000
// source: the default export
export default Array.from({ length: 100000 }, (_, i) => `function f${i}(a) { return a + ${i} } f${i}(1);`).join('\n')
