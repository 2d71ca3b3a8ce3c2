// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (;;) kept.push(Array.from({ length: 1e5 }, (_, i) => -i).toSorted())
