// Attacks on heap_mb and memory_mb (lib/attacks.mjs).
import { attacks } from './lib/attacks.mjs';

attacks(/^(?:heap|memory|wasm|sab)-/);
