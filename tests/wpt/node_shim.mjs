// Runs a prepared test file in Node.js as a classic script: `node node_shim.mjs FILE`.
import { readFileSync } from 'node:fs';

// What Web platform tests mean by a global `eval` of the text: var and function declarations are global.
(0, eval)(readFileSync(process.argv[2], 'utf8'));
