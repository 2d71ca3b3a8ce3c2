// expect: heap_exceeded|memory_exceeded|cpu_exceeded
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
const kept = []
for (let i = 0; ; i++) kept.push(new Intl.NumberFormat("en-US", { minimumFractionDigits: i % 20 }))
