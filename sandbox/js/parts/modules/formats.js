// What kind of file a record is: 'module', 'commonjs', 'json', 'wasm', 'empty' (browser.js); undefined when its name says nothing.
import { functionHasInstance, stringIncludes } from '../../primordials.js';
import { extensionOf } from './paths.js';
import { packageScope } from './packages.js';
import { numberOf, textOf } from './records.js';

const { modules } = native;

// .ts and the like come as JavaScript (the job's files are transformed before they come here).
const BY_EXTENSION = {
  __proto__: null,
  '.mjs': 'module',
  '.mts': 'module',
  '.cjs': 'commonjs',
  '.cts': 'commonjs',
  '.json': 'json',
  '.wasm': 'wasm',
  '.js': 'package',
  '.jsx': 'package',
  '.ts': 'package',
  '.tsx': 'package',
};

// What V8 says of a file that is no CommonJS but a module.
const MODULE_SIGNS = ['import statement', "token 'export'", 'import.meta', 'await is only valid', 'has already been declared'];

function looksLikeModule(error) {
  for (let i = 0; i < MODULE_SIGNS.length; i++)
    if (stringIncludes(error.message, MODULE_SIGNS[i])) return true;
  return false;
}

// Nothing says which it is: CommonJS when that compiles, else a module when that does.
function detect(record) {
  const text = textOf(record);
  let wrong;
  try {
    record.compiled = modules.compileFunction(record.name, text, numberOf(record));
    return 'commonjs';
  } catch (error) {
    if (!functionHasInstance(SyntaxError, error)) throw error;
    wrong = error;
  }
  try {
    record.requests = modules.compile(numberOf(record), record.name, text);
    record.made = true;
    return 'module';
  } catch (error) {
    throw looksLikeModule(wrong) ? error : wrong;
  }
}

export function formatOf(record) {
  if (record.format !== undefined) return record.format;
  let format = record.data === undefined ? BY_EXTENSION[extensionOf(record.path)] : record.data.format;
  if (format === 'package') format = packageScope(record.path)?.type ?? detect(record);
  else if (format === undefined && record.id === 0) format = detect(record); // the file that runs, whatever its name
  record.format = format;
  return format;
}

// The file that a require() names runs whatever its extension says, as in Node.js.
export function formatForRequire(record) {
  if (record.format === undefined && record.path !== undefined && BY_EXTENSION[extensionOf(record.path)] === undefined) record.format = detect(record);
  return formatOf(record);
}
