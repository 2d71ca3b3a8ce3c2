// WebAssembly modules as ES modules (the ESM integration proposal, as in Node.js): their imports are imported,
// their exports are exported. `import source m from './x.wasm'` gives the WebAssembly.Module itself.
//
// How this works: V8 has no module record for them, so a facade in JavaScript stands for one. Its first request
// is answered by us: a function that takes the namespaces of the other requests and gives the exports.
import { construct, functionHasInstance, jsonStringify, stringStartsWith } from '../../primordials.js';
import { lazy } from '../../parts.js';
import { failPlain, shownName } from './failures.js';

const wasm = lazy('wasm');
const webAssembly = () => wasm().webAssembly();

// Throws a CompileError when the job may not, or the bytes are no module.
export function wasmModule(bytes) {
  const { Module } = webAssembly();
  if (Module === undefined) failPlain('ERR_WEBASSEMBLY_NOT_SUPPORTED', 'There is no WebAssembly in this profile');
  return construct(Module, [bytes], Module);
}

const RESERVED = ['wasm-js:', 'wasm:'];

function importedNames(module) {
  const seen = { __proto__: null };
  const imports = webAssembly().importsOf(module);
  const names = [];
  for (let i = 0; i < imports.length; i++) {
    const name = imports[i].module;
    for (let k = 0; k < RESERVED.length; k++)
      if (stringStartsWith(name, RESERVED[k])) failPlain('ERR_INVALID_MODULE_SPECIFIER', `A WebAssembly module must not import from '${shownName(name)}'`);
    if (seen[name] === true) continue;
    seen[name] = true;
    names[names.length] = name;
  }
  return names;
}

export function wasmFacade(module) {
  const exports = webAssembly().exportsOf(module);
  const names = importedNames(module);
  let imports = 'import f from "isolane:wasm";';
  let namespaces = '';
  for (let i = 0; i < names.length; i++) {
    imports += `import*as i${i} from ${jsonStringify(names[i])};`;
    namespaces += `i${i},`;
  }
  let out = `${imports}const e=f([${namespaces}]);`;
  for (let i = 0; i < exports.length; i++) {
    const name = jsonStringify(exports[i].name);
    out += `const x${i}=e[${i}];export{x${i} as ${name}};`;
  }
  return out;
}

// What the facade calls: namespaces in the order of importedNames() → values in the order of the exports.
export const wasmInstance = (module) => (namespaces) => {
  const { Instance, Global, exportsOf, globalValue } = webAssembly();
  const names = importedNames(module);
  const imports = { __proto__: null };
  for (let i = 0; i < names.length; i++) imports[names[i]] = namespaces[i];
  const { exports } = construct(Instance, [module, imports], Instance);
  const all = exportsOf(module);
  const values = [];
  for (let i = 0; i < all.length; i++) {
    const value = exports[all[i].name];
    values[i] = functionHasInstance(Global, value) ? globalOrValue(value, globalValue) : value;
  }
  return values;
};

// A global of a type that JavaScript has no values of (v128) stays what it is.
function globalOrValue(global, valueOf) {
  try {
    return valueOf(global);
  } catch {
    return global;
  }
}
