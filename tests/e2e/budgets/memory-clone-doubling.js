// expect: threw RangeError|heap_exceeded|memory_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
let tree = [1]
for (;;) tree = structuredClone([tree, [...tree]])
