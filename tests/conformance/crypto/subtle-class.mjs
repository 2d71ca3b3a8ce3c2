// Behaviour: SubtleCrypto cannot be made by a script
// Spec: Web Cryptography, SubtleCrypto
// Covers: SubtleCrypto
// Expect: value [true,"TypeError"]
let name; try { new SubtleCrypto(); } catch (e) { name = e.name; }
export default [crypto.subtle instanceof SubtleCrypto, name];
