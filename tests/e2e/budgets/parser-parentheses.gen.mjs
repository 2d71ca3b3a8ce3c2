// expect: threw RangeError|threw SyntaxError
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export default '('.repeat(1e6) + ')'.repeat(1e6)
