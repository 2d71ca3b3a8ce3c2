// expect: heap_exceeded|memory_exceeded|cpu_exceeded
// limits: cpu_ms=1000
console.log("before");
for (let i = 0; ; i++) {
    const o = {}
    for (let k = 0; k < 20; k++) o[`p${i}_${k}`] = k
}
