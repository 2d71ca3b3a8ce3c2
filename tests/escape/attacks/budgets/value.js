// layer: budgets
// attack: returns a value that is too large
// success: it goes on beyond the limit
// ends: output_exceeded
// alone-ends: output_exceeded
// limits: --output-kb 16
// control: limits
// control-limits: --output-kb 4096
// control-ends: ok
export default "x".repeat(1 << 20);
