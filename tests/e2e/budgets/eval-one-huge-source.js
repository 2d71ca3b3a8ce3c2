// expect: cpu_exceeded|heap_exceeded|memory_exceeded
// limits: cpu_ms=1000 heap_mb=128 memory_mb=256
// permissions: eval
console.log("before");
const text = Array.from({ length: 200000 }, (_, i) => `x${i} = () => ${i};`).join("\n")
for (let i = 0; ; i++) new Function(text + i)
