// expect: ok|threw RangeError|threw SyntaxError|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default 'let a=1;' + 'a+'.repeat(1e6) + 'a'
