// expect: memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// permissions: sab
console.log("before");
const kept = []
for (;;) kept.push(new SharedArrayBuffer(1 << 20))
