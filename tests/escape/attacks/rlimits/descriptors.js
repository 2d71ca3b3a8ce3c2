// layer: rlimits
// attack: opens many descriptors
// success: more than 64 are open
// with: no_caps
// denied: dup
// control: succeeds
let n = 0;
while (n < 200 && sys.dup(0) >= 0) n++;
export default n > 64 ? escaped(`${n} are open`) : held(`EMFILE after ${n}`);
