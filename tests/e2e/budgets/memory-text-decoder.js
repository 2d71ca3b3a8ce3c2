// expect: heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const bytes = new Uint8Array(8e6).fill(0xc3), kept = []
for (;;) kept.push(new TextDecoder().decode(bytes))
