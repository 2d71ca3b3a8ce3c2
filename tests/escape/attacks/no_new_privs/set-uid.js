// layer: no_new_privs
// attack: executes a set-uid program of root
// success: a file appears where only root may write
// reference: execve(2), PR_SET_NO_NEW_PRIVS
// with: foreign_uid
// root: yes
// denied: fork
// control: succeeds
export default execute(target.suid, `${target.roots}/set-uid`);
