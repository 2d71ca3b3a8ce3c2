// expect: heap_exceeded|memory_exceeded|ok
// limits: cpu_ms=20000 wall_ms=60000 heap_mb=16
// source: the default export
export const input = Array.from({ length: 400000 }, (_, i) => ({ i }))
export default 'export default job.input.length'
