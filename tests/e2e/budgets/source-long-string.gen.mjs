// expect: ok|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000 heap_mb=8
// source: the default export
export default '"' + '\\u20ac'.repeat(1e6) + '"'
