// layer: one_descriptor
// attack: writes to stderr, which the supervisor reads when a zygote has died
// success: the bytes are taken
// control: succeeds
export default judge(sys.write(2, bytes('forged words\n'), 13));
