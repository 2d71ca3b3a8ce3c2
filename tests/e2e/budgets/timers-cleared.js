// expect: ok
// limits: cpu_ms=20000 wall_ms=60000
console.log("before");
for (let i = 0; i < 5e5; i++) clearTimeout(setTimeout(() => {}, 1e6))
export default 1
