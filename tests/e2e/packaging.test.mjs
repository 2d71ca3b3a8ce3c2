// The systemd unit, as systemd itself judges it. (That it runs is tried by hand: packaging/README.md.)
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { program, root, scratch } from './lib/place.mjs';
import { run } from './lib/process.mjs';

const analyze = ['/usr/bin/systemd-analyze', '/bin/systemd-analyze'].find(existsSync);
const skip = analyze ? false : 'no systemd-analyze here (Debian: package systemd)';
const text = readFileSync(join(root, 'packaging/isolane.service'), 'utf8');

/** The unit with a program that is there; verify looks for it. */
function unit() {
    const dir = join(scratch, 'unit');
    mkdirSync(dir, { recursive: true });
    const file = join(dir, 'isolane.service');
    writeFileSync(file, text.replace(/^ExecStart=\S+/m, `ExecStart=${program}`).replace(/^(User|Group)=.*/gm, '$1=root'));
    return file;
}

test('systemd understands every line of the unit', { skip }, async () => {
    const end = await run(analyze, ['verify', '--man=no', unit()]);
    const about_us = (end.stdout + end.stderr).split('\n').filter((line) => line.includes('isolane.service'));
    assert.deepEqual(about_us, []);
    assert.equal(end.code, 0, end.stderr);
});

test('its exposure, as systemd counts it, stays under 3 of 10', { skip }, async () => {
    const file = unit();
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^(User|Group)=root$/gm, '$1=isolane'));
    const end = await run(analyze, ['security', '--offline=true', '--threshold=30', '--no-pager', file]);
    assert.match(end.stdout, /Overall exposure level/);
    assert.equal(end.code, 0, end.stdout);
});

test('nothing in the unit takes away what the jail needs', () => {
    const set = (name) => text.match(new RegExp(`^${name}=(.*)$`, 'm'))?.[1];
    for (const name of ['RestrictNamespaces', 'MemoryDenyWriteExecute', 'ProtectControlGroups', 'PrivateNetwork'])
        assert.equal(set(name), undefined, `${name}: see packaging/README.md`);
    assert.equal(set('Delegate'), 'yes');
    assert.equal(set('Type'), 'notify');
    assert.equal(set('OOMPolicy'), 'continue');
    assert.ok(Number(set('TimeoutStopSec')) > 10, 'longer than the drain');
});
