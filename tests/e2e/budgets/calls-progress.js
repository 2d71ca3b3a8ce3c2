// expect: ok|cpu_exceeded
// limits: cpu_ms=5000
console.log("before");
for (let i = 0; i < 1e5; i++) job.progress(0.5, "x".repeat(1000))
export default 1
