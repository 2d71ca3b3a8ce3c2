// expect: heap_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (;;) kept.push(new Error("kept"))
