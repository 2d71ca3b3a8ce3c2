// expect: heap_exceeded|memory_exceeded|cpu_exceeded|ok
// limits: cpu_ms=1000 heap_mb=16 wall_ms=60000
// source: the default export
export default 'const a = [' + '{ x: 1, y: [2] },'.repeat(300000) + ']'
