// What the tools of this folder answer: errors as results show them, source maps.

const LINE_SHOWN = 200;

// "file:3\nsource line\n    ^^", as V8 shows a syntax error.
function picture(line, file, number, column, width) {
  if (column > LINE_SHOWN) return `${file}:${number}`;
  const shown = line.slice(0, LINE_SHOWN);
  const indent = shown.slice(0, column - 1).replace(/[^\t]/g, ' ');
  const marks = Math.max(1, Math.min(width, shown.length - column + 1));
  return `${file}:${number}\n${shown}\n${indent}${'^'.repeat(marks)}`;
}

function lineOf(text, number) {
  let at = 0;
  for (let n = 1; n < number; n++) {
    const next = text.indexOf('\n', at);
    if (next < 0) return '';
    at = next + 1;
  }
  const end = text.indexOf('\n', at);
  return text.slice(at, end < 0 ? undefined : end).replace(/\r$/, '');
}

// Lines from 1, columns in UTF-16 units from 0.
export function syntaxError(message, file, text, line, column, endLine, endColumn) {
  const source = lineOf(text, line);
  const from = column + 1;
  const to = endLine === line ? endColumn + 1 : source.length + 1;
  const name = 'SyntaxError';
  const shown = picture(source, file, line, from, to - from);
  return { name, message, stack: `${shown}\n\n${name}: ${message}`, file, line, column: from };
}

// The tool itself failed: it has run out of stack, or met what it cannot do.
export function toolError(e, file) {
  const name = 'TypeScriptError';
  const why = e instanceof RangeError ? 'it is nested too deeply' : `the transformer gave up: ${e?.message ?? e}`;
  const message = `${file} cannot be transformed: ${why}`;
  return { name, message, stack: `${name}: ${message}`, file };
}

export function inlineMap(json) {
  const bytes = new TextEncoder().encode(json);
  return `\n//# sourceMappingURL=data:application/json;base64,${bytes.toBase64()}\n`;
}
