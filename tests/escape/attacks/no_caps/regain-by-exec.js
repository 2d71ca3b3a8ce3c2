// layer: no_caps
// attack: executes a program as uid 0, which gives all capabilities back unless that is switched off
// success: a file appears in a folder that only somebody else may write to
// reference: capabilities(7), SECBIT_NOROOT
// root: yes
// denied: fork
// control: succeeds
export default execute(target.touch, `${target.strangers_folder}/regain-by-exec`);
