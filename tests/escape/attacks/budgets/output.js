// layer: budgets
// attack: floods its output
// success: it goes on beyond the limit
// ends: output_exceeded
// alone-ends: output_exceeded
// limits: --output-kb 16 --cpu-ms 8000
// control: limits
// control-limits: --output-kb 4096 --cpu-ms 8000
// control-ends: ok
for (let i = 0; i < 10000; i++) console.log("x".repeat(100));
export default escaped("all printed");
