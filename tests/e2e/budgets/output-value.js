// expect: output_exceeded
// limits: output_kb=8
console.log("before");
export default "x".repeat(9000)
