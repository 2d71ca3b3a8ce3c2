// expect: wall_exceeded
// limits: wall_ms=1500
console.log("before");
await new Promise((r) => setTimeout(r, 1e6))
