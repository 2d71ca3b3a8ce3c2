// Artifacts: files beyond the size of a message. Reads a table, piece by piece, and puts a report beside the result.
//   isolane run examples/artifacts.js --artifact sales.csv=examples/inputs/sales.csv --artifacts-out out/
//   isolane submit examples/artifacts.js --artifact sales.csv=examples/inputs/sales.csv --allow artifacts --wait
const sample = 'region,amount\nnorth,1\n';
const [table] = await job.artifacts.list();
const pieces = table ? await job.artifacts.get(table.name) : [new TextEncoder().encode(sample)];

const sums = new Map();
let rest = '';
const decoder = new TextDecoder();
const take = (line) => {
  const [region, amount] = line.split(',');
  if (region && region !== 'region') sums.set(region, (sums.get(region) ?? 0) + Number(amount));
};
for await (const piece of pieces) {
  const lines = (rest + decoder.decode(piece, { stream: true })).split('\n');
  rest = lines.pop();
  lines.forEach(take);
}
take(rest);

async function* report() {
  yield 'region,sum\n';
  for (const [region, sum] of sums) yield `${region},${sum}\n`;
}
try {
  const { name, size, sha256 } = await job.artifacts.put('report.csv', report(), { type: 'text/csv' });
  console.log(`put ${name}: ${size} bytes, sha256 ${sha256}`);
} catch (e) {
  if (!(e instanceof PermissionDenied)) throw e;
  console.log(e.message);
}
export default Object.fromEntries(sums);
