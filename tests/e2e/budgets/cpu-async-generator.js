// expect: cpu_exceeded
// limits: cpu_ms=150 heap_mb=256 memory_mb=512 wall_ms=20000
console.log("before");
async function* g() { for (;;) yield 1 }
for await (const _ of g());
