// expect: output_exceeded
// limits: output_kb=8
console.log("before");
console.log("\u20ac".repeat(1e6))
