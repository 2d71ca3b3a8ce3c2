// Behaviour: blocks of one namespace, or of one enum, see what the others export
// Spec: https://www.typescriptlang.org/docs/handbook/declaration-merging.html
// Expect: value [3, 4, 2]
namespace Units {
  export let cm = 1;
  export namespace Long { export const m = cm + 2; }
}
namespace Units {
  cm++;
  export const sum = Long.m + 1;
}
enum Level { Low = 1 }
enum Level { High = Low + 1 }
export default [Units.Long.m, Units.sum, Level.High];
