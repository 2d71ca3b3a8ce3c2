// expect: threw SyntaxError|threw RangeError|invalid|ok|heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// source: the default export
export const input = JSON.parse('['.repeat(60) + ']'.repeat(60))
export default 'export default JSON.stringify(job.input).length'
