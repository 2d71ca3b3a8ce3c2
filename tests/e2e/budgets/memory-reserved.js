// expect: heap_exceeded|memory_exceeded|threw RangeError
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (;;) kept.push(new ArrayBuffer(0, { maxByteLength: 2 ** 30 }))
