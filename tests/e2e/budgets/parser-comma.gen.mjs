// expect: ok|threw RangeError|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default 'export default (' + '1,'.repeat(1e6) + '1)'
