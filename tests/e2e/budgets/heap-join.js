// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const row = new Array(1e6).fill("some text")
const kept = []
for (;;) kept.push(row.join(","))
