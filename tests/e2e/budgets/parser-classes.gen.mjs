// expect: threw RangeError|threw SyntaxError|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default 'class A{static x='.repeat(1e5) + '1' + '}'.repeat(1e5)
