// expect: output_exceeded|heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const m = new Map(Array.from({ length: 1e5 }, (_, i) => [i, { i, s: "x".repeat(i % 100) }]))
for (;;) console.dir(m, { maxArrayLength: Infinity, depth: Infinity })
