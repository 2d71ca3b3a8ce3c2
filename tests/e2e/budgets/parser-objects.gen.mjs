// expect: threw RangeError|threw SyntaxError
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default 'x=' + '{a:'.repeat(3e5) + '1' + '}'.repeat(3e5)
