// layer: process
// attack: searches its memory for the secret that jobs before it have kept there
// success: the secret of another job
// limits: --cpu-ms 5000 --wall-ms 20000
// control: none: cells serve one job
// times: 4
// An address is tried by a call that is allowed and reads 8 bytes: EFAULT where nothing is mapped.
const readable = (at) => sys.rt_sigprocmask(3, at, 0, 8) !== -14;
const mine = String.fromCharCode(...crypto.getRandomValues(buffer(16)).map((x) => 65 + x % 26));
const tag = 'canary' + 'OfAJob:';
const kept = bytes(tag + mine + tag + mine), here = __native.address(kept);
const found = new Set();
const look = (from, to) => {
    for (let at = from; at < to; at += 4096) {
        if (!readable(at)) continue;
        const page = String.fromCharCode(...__native.read(at, 4096));
        for (let i = page.indexOf(tag); i >= 0; i = page.indexOf(tag, i + 1)) found.add(page.slice(i + tag.length, i + tag.length + 16));
    }
};
const page = here - here % 4096;
look(page - (4 << 20), page + (4 << 20));
const others = [...found].filter((s) => /^[A-Z]{16}$/.test(s) && s !== mine);
export default others.length ? escaped(others) : found.has(mine) ? held(`only its own, in ${found.size} places`) : escaped('the search does not even find its own');
