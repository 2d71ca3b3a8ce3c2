// layer: frames
// attack: says that a call with a number of its choice was denied
// success: anything else than an outcome `denied` of its own
// ends: denied crashed
// alone-ends: denied crashed
// control: none: it may say so
send(frame(13, 1, new Uint8Array([255, 255, 255, 255])));
sys.exit_group(0);
export default escaped('');
