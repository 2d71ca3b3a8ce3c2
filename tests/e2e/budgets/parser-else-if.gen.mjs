// expect: ok|threw RangeError|threw SyntaxError|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default 'if(0){}else '.repeat(2e5) + '1'
