// log: structured lines on stderr, one JSON object each, so that they are budgeted, masked, followed live and kept as
// all output is: {"time": …, "level": …, "msg": …, fields…}.
import { dateToISOString, define, defineProperty, freeze, isArray, jsonStringify, objectKeys, toStringTag } from '../../primordials.js';
import { InvalidArgument } from '../host_errors.js';
import { inspect } from '../../inspect.js';

const { loop, output } = native;
const STDERR = 2;
const reserved = { __proto__: null, time: true, level: true, msg: true };

// A value as JSON: errors by what people look for in them, what JSON cannot hold as console.log shows it.
function jsonOf(value) {
  let out;
  try {
    out = value instanceof Error ? jsonStringify({ name: value.name, message: value.message, stack: value.stack }) : jsonStringify(value);
  } catch {
    out = undefined; // a cycle, a BigInt, a toJSON that throws
  }
  return out ?? jsonStringify(inspect(value));
}

function write(level, message, fields) {
  if (fields instanceof Error) fields = { __proto__: null, error: fields };
  if (fields !== undefined && (fields === null || typeof fields !== 'object' || isArray(fields)))
    throw new InvalidArgument(`log.${level}: fields: found ${fields === null ? 'null' : isArray(fields) ? 'array' : typeof fields}; allowed: an object`);
  let line = `{"time":"${dateToISOString(new Date(loop.time()))}","level":"${level}","msg":${jsonStringify(typeof message === 'string' ? message : inspect(message))}`;
  if (fields !== undefined) {
    const names = objectKeys(fields);
    for (let i = 0; i < names.length; i++) line += `,${jsonStringify(reserved[names[i]] ? `_${names[i]}` : names[i])}:${jsonOf(fields[names[i]])}`;
  }
  output.write(STDERR, `${line}}\n`);
}

const methods = {
  debug(message, fields = undefined) {
    write('debug', message, fields);
  },
  info(message, fields = undefined) {
    write('info', message, fields);
  },
  warn(message, fields = undefined) {
    write('warn', message, fields);
  },
  error(message, fields = undefined) {
    write('error', message, fields);
  },
};

export const log = define({}, methods, false);
defineProperty(log, toStringTag, { __proto__: null, value: 'log' });
freeze(log);
