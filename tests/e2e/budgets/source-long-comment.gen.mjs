// expect: ok|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default '//' + 'x'.repeat(7e6)
