// expect: cpu_exceeded
// limits: cpu_ms=150
// permissions: eval
console.log("before");
for (let i = 0; ; i++) new Function(`return ${i}`)
