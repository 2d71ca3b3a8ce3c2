// expect: cpu_exceeded
// limits: cpu_ms=20 heap_mb=256 memory_mb=512 wall_ms=60000
// source: the default export
export default Array.from({ length: 150000 }, (_, i) => `x${i} = () => ${i};`).join('\n')
