// A job of several files: isolane run examples/report   (or: isolane submit examples/report --wait)
import prices from './prices.json' with { type: 'json' };
import template from './report.txt' with { type: 'text' };
import { euros } from '#format';
import { total } from './lib/sum.cjs';

export default (input) => {
  const order = input ?? { apple: 3, pear: 1 };
  const lines = Object.entries(order).map(([name, n]) => `${n} × ${name}: ${euros(n * prices[name])}`);
  console.log(template.replace('{lines}', lines.join('\n')).replace('{total}', euros(total(order, prices))));
  return { total: total(order, prices), main: import.meta.main, file: import.meta.filename };
};
