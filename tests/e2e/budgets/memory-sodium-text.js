// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const bytes = new Uint8Array(4e6), kept = []
for (;;) kept.push(sodium.bin2hex(bytes))
