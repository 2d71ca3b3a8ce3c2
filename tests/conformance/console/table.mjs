// Behaviour: console.table draws a table
// Spec: Console Standard, table
// Expect: stdout "┌─────────┬───┐\n│ (index) │ a │\n├─────────┼───┤\n│ 0       │ 1 │\n└─────────┴───┘\n"
console.table([{ a: 1 }]);
