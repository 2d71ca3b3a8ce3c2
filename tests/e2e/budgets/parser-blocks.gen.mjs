// expect: threw RangeError|threw SyntaxError|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default '{'.repeat(5e5) + '}'.repeat(5e5)
