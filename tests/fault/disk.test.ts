// The disk of the home is full: a small tmpfs in a mount namespace. Started plainly, this file starts itself once more
// inside such a namespace, where TMPDIR is the small disk; a machine that gives no namespace is said and skipped.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';

import { atEnd, answersAs, echoStdio, finish, house, keepCalling, open, post, until, upstream } from '../e2e/harness.ts';
import type { House } from '../e2e/harness.ts';

const MIB = 1 << 20;
const disk = process.env.SMALL_DISK; // set inside
const WAIT_MS = 60000;

type Ready = { status: string; recorded: { full: boolean; failing: boolean; lost: number } };

async function ready(house: House): Promise<Ready & { code: number }> {
    const answer = await fetch(`http://127.0.0.1:${house.port}/readyz`);
    return { code: answer.status, ...((await answer.json()) as Ready) };
}

const isFull = async (house: House) => {
    const now = await ready(house);
    return now.recorded.full && now.status === 'degraded' && now;
};
const isWell = async (house: House) => (await ready(house)).status === 'ready';

const call = (house: House, session: Record<string, string>, text = 'hello') =>
    post(house.url('child'), 'tools/call', { name: 'echo', arguments: { text } }, session);

const recorded = (house: House) => house.sql<{ n: number }>("SELECT count(*) AS n FROM exchange WHERE method = 'tools/call'")[0]!.n;
const clean = (house: House) => assert.deepEqual(house.sql('PRAGMA integrity_check'), [{ integrity_check: 'ok' }]);

/** Takes room until so much is left; the function returned gives it back. */
function takeRoom(left: number): () => void {
    const path = join(disk!, 'ballast');
    const file = openSync(path, 'a');

    try {
        for (const size of [MIB, 4096]) {
            const bytes = Buffer.alloc(size, 'x');
            const free = () => statfsSync(disk!).bavail * statfsSync(disk!).bsize;
            try {
                while (free() >= left + size || (left === 0 && size === 4096)) writeSync(file, bytes);
            } catch (error) {
                assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
            }
        }
    } finally {
        closeSync(file);
    }
    return () => rmSync(path, { force: true });
}

async function smallHouse(t: TestContext, env: Record<string, string> = {}): Promise<House> {
    atEnd(t, () => rmSync(join(disk!, 'ballast'), { force: true }));
    return await house(t, { child: echoStdio, web: { type: 'http', url: await upstream(t, answersAs('web')) } }, env);
}

if (disk === undefined) {
    test('with the disk of its home full', { timeout: 600000 }, async (t) => {
        const directory = mkdtempSync(join(tmpdir(), 'gatehouse-disk-'));
        atEnd(t, () => rmSync(directory, { recursive: true, force: true }));
        const flags = process.getuid!() === 0 ? ['-m'] : ['-r', '-m'];
        const within = (program: string[]) => ['--propagation', 'private', 'sh', '-c', 'mount -t tmpfs -o size=160m,mode=0700 tmpfs "$0" && exec "$@"', directory, ...program];
        const probe = spawnSync('unshare', [...flags, ...within(['true'])], { encoding: 'utf8' });
        if (probe.status !== 0) return t.skip(`no mount namespace here: ${probe.stderr?.trim() || probe.error?.message}`);

        const { NODE_TEST_CONTEXT, ...env } = process.env;
        const inside = ['--disable-warning=ExperimentalWarning', '--test-reporter=tap', import.meta.filename];
        const args = [...flags, ...within(['env', `SMALL_DISK=${directory}`, `TMPDIR=${directory}`, 'NODE_TEST_CONTEXT=', process.execPath, ...inside])];
        const { code, stdout, stderr } = await finish('unshare', args, 590000, env as Record<string, string>);
        for (const line of stdout.split('\n').filter((each) => /^(not )?ok |^# (pass|fail) /.test(each))) t.diagnostic(line);
        assert.equal(code, 0, stdout + stderr);
        assert.match(stdout, /^# pass [1-9]/m);
    });
} else {
    test('under its floor it says so, passes calls, counts them, and records again when there is room', async (t) => {
        const house = await smallHouse(t);
        const session = await open(house.url('child'));
        assert.equal((await call(house, session)).status, 200);
        await until('the call is recorded', WAIT_MS, () => recorded(house) === 1);

        const giveBack = takeRoom(40 * MIB);
        await until('it says that it is full', WAIT_MS, () => isFull(house));
        for (let i = 0; i < 10; i++) assert.equal((await call(house, session)).message.error, undefined);
        await until('ten are counted', WAIT_MS, async () => (await ready(house)).recorded.lost === 10);
        assert.equal((await ready(house)).code, 200, 'calls are taken');
        await until('it is in the log', WAIT_MS, () => /the record fails: .*calls pass unrecorded/.test(house.said));
        assert.match((await house.command('status')).stdout, /all calls but 10; THE DISK IS FULL/);
        assert.equal(recorded(house), 1);

        giveBack();
        await until('it is well again', WAIT_MS, () => isWell(house));
        await until('that is in the log too', WAIT_MS, () => /recorded again; 10 were not/.test(house.said));
        await call(house, session);
        await until('calls are recorded', WAIT_MS, () => recorded(house) === 2);
        assert.deepEqual(house.sql('SELECT sum(lost) AS lost FROM gap'), [{ lost: 10 }]);
        clean(house);
    });

    test('with capture.on_full refuse, calls are refused until there is room', async (t) => {
        const house = await smallHouse(t, { GATEHOUSE_CAPTURE_ON_FULL: 'refuse' });
        const session = await open(house.url('child'));
        const giveBack = takeRoom(40 * MIB);
        const full = await until('it is full', WAIT_MS, () => isFull(house));

        assert.equal(full.code, 503);
        const refused = await call(house, session);
        assert.match(refused.message.error!.message, /capture\.on_full is refuse/);
        await until('it is in the log', WAIT_MS, () => /the record fails: .*calls are refused/.test(house.said));
        giveBack();
        await until('it is well again', WAIT_MS, () => isWell(house));
        assert.equal((await call(house, session)).message.error, undefined);
        await until('the call is recorded', WAIT_MS, () => house.sql("SELECT 1 FROM exchange WHERE outcome = 'ok' AND method = 'tools/call'").length === 1);
        clean(house);
    });

    test('with not a byte left under load, nothing is corrupt, it starts, purges, and recovers', async (t) => {
        const house = await smallHouse(t);
        const loads = ['child', 'web'].map((server) => keepCalling(house.url(server), 4, { name: 'echo', arguments: { text: 'word '.repeat(800) } }));
        await until('some calls are recorded', WAIT_MS, () => recorded(house) > 2000);
        const giveBack = takeRoom(0);
        await until('it says that it is full', WAIT_MS, () => isFull(house));
        const before = loads[0]!.calls.length;
        await until('calls still pass', WAIT_MS, () => loads[0]!.calls.length > before + 100);
        house.kill('SIGKILL');
        await house.ended;
        await Promise.allSettled(loads.map((load) => load.stop()));
        clean(house);
        takeRoom(0);

        await house.start();
        await until('it is full from the start', WAIT_MS, () => isFull(house));
        const session = await open(house.url('child'));
        assert.equal((await call(house, session)).message.error, undefined);
        takeRoom(0);
        const { code, stdout, stderr } = await house.command('logs', '--clear', '--yes');
        assert.equal(code, 0, stderr);
        assert.match(stdout, /^Deleted [\d,]{4,} calls/);
        assert.equal(recorded(house), 0, 'the call made on the full disk, which still waits, is not written behind it');
        giveBack();
        await until('it is well again', WAIT_MS, () => isWell(house));
        assert.equal((await call(house, session, 'after')).message.error, undefined);
        await until('the call is recorded', WAIT_MS, () => recorded(house) > 0);
        assert.equal(recorded(house), 1);
        clean(house);
        assert.equal(await house.stop(), 'exit code 0');
        assert.ok(house.sql<{ lost: number }>('SELECT sum(lost) AS lost FROM gap')[0]!.lost > 0);
    });
}
