// expect: heap_exceeded|memory_exceeded|cpu_exceeded
// limits: cpu_ms=10000 wall_ms=60000
// permissions: eval
console.log("before");
const kept = []
for (let i = 0; ; i++) kept.push(new Function(`return [${"1,".repeat(1000)}${i}]`))
