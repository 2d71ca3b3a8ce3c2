// Terminal colours of inspection, used only when a script asks for them (`colors: true`).
export const plain = (text) => text;

export function colorize(text, style) {
  let color;
  switch (style) {
    case 'special':
      color = 36;
      break;
    case 'number':
    case 'bigint':
    case 'boolean':
      color = 33;
      break;
    case 'undefined':
      color = 90;
      break;
    case 'null':
      return `\x1b[1m${text}\x1b[22m`;
    case 'string':
    case 'symbol':
      color = 32;
      break;
    case 'date':
      color = 35;
      break;
    case 'regexp':
      color = 31;
      break;
    default:
      return text;
  }
  return `\x1b[${color}m${text}\x1b[39m`;
}
