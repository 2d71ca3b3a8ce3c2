// inspect(value, options): any value as text, the way people know it from Node's util.inspect. Most jobs print
// strings and numbers only: what looks into values is a part (parts/inspect).
import { load } from './parts.js';

export const inspect = (value, options = undefined) => load('inspect').inspect(value, options);
