// layer: mountns
// attack: climbs out of its folder by ..
// success: the kernel lets it
// reference: path_resolution(7)
// denied: open
// control: succeeds
export default judge(sys.open(`${"../".repeat(40)}${target.open.slice(1)}`, 0));
