// expect: heap_exceeded|memory_exceeded|wall_exceeded|cpu_exceeded
// limits: cpu_ms=20000 wall_ms=60000
// permissions: sab
console.log("before");
const a = new Int32Array(new SharedArrayBuffer(4))
for (;;) Atomics.waitAsync(a, 0, 0)
