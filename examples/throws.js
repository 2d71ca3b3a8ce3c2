// An exception that nobody catches ends the job with outcome `threw`. The result has its name, message,
// stack, line and column; what was printed before stays.
//
//   isolane run examples/throws.js --json

function parse(line) {
    const [name, number] = line.split('=');
    if (!Number.isFinite(Number(number)))
        throw new RangeError(`'${name}' wants a number and has '${number}'`);
    return [name, Number(number)];
}

console.log('reading the settings');
export default ['width=80', 'height=a few'].map(parse);
