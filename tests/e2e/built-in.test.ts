// What is built in, from the command line: listed, removed, brought back, and run on stdin and stdout.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { built, finish, House, house, run, until } from './harness.ts';

const LIMIT_MS = 20000;

const opening = {
    jsonrpc: '2.0', id: 0, method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'hand', version: '1' } },
};
const call = (id: number, name: string, given: object) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: given } });
const lines = (...messages: object[]) => messages.map((each) => `${JSON.stringify(each)}\n`).join('');

/** A service on stdio, by hand. */
function alone(t: TestContext, home: string, ...more: string[]) {
    const program = run(t, built('gatehouse'), ['stdio', 'snapshots', '--home', home, ...more]);

    return {
        program,
        async ask(message: object & { id: number }) {
            program.child.stdin!.write(lines(message));
            return until(`the answer ${message.id}`, LIMIT_MS, () =>
                program.stdout.split('\n').filter(Boolean).map((line) => JSON.parse(line)).find(({ id }) => id === message.id));
        },
    };
}

test('it is listed, removed and added like any', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, {});
    const file = () => readFileSync(join(gatehouse.home, 'mcp.json'), 'utf8');
    const before = file();
    const row = async () => (await gatehouse.command('list')).stdout.split('\n').find((line) => line.startsWith('snapshots'));

    match((await row())!, /^snapshots +built-in +running /);
    match((await gatehouse.command('list')).stderr, /^No servers yet/);
    match((await gatehouse.command('status')).stdout, /servers +none yet.*\n +built in +snapshots\n/);
    match((await gatehouse.command('doctor')).stdout, /mcp\.json: 0 servers, nothing wrong/);
    equal((await gatehouse.command('add', 'snapshots')).code, 1); // it is there

    const removed = await gatehouse.command('remove', 'snapshots');
    deepEqual([removed.code, removed.stdout.split('\n').length], [0, 3], removed.stderr);
    match(removed.stdout, /To have it back: {2}gatehouse add snapshots/);
    match((await row())!, /^snapshots +built-in +disabled /);
    equal((await gatehouse.command('remove', 'snapshots')).code, 3);
    const added = await gatehouse.command('add', 'snapshots');
    equal(added.code, 0, added.stderr);
    match(added.stdout, /^Added snapshots \(built-in\)\. Trying it \.\.\. \d+ tools, /);
    deepEqual(JSON.parse(file()), JSON.parse(before));
    equal((await gatehouse.command('add', 'snapshots', '--isolated')).code, 2);
});

test('on stdio it needs no gateway, says where it keeps things, and ends with its input', { timeout: 60000 }, async (t) => {
    const { home } = new House(t);
    const { program, ask } = alone(t, home);

    const { result } = await ask(opening);
    equal(result.protocolVersion, '2025-11-25');
    await until('the start', LIMIT_MS, () => program.stderr.includes('snapshots running on stdio'));
    ok(program.stderr.includes(join(home, 'users/local/snapshots.db')), program.stderr);
    equal((await ask(call(1, 'save_snapshot', { summary: 'a wall', context: 'bricks' }))).result.isError ?? false, false);
    for (const inside of ['users', 'users/local']) equal(statSync(join(home, inside)).mode & 0o777, 0o700, inside);
    program.child.stdin!.end();
    equal(await program.ended, 'exit code 0');
    ok(!existsSync(join(home, 'traffic.db')));

    const input = lines(opening, { jsonrpc: '2.0', method: 'notifications/initialized' } as object, call(2, 'load_snapshot', {}));
    const again = alone(t, home);
    again.program.child.stdin!.end(input);
    equal(await again.program.ended, 'exit code 0');
    match(again.program.stdout, /a wall/); // what is in flight at the end of the input is answered
});

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    test(`on stdio ${signal} ends it, with nothing lost`, { timeout: 60000 }, async (t) => {
        const { home } = new House(t);
        const first = alone(t, home);
        await first.ask(opening);
        await first.ask(call(1, 'save_snapshot', { summary: 'a wall', context: 'bricks' }));
        first.program.child.kill(signal);
        equal(await first.program.ended, 'exit code 0');

        const second = alone(t, home);
        await second.ask(opening);
        match(JSON.stringify(await second.ask(call(1, 'load_snapshot', {}))), /a wall/);
    });
}

test('two on stdio and a gateway share what they keep', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, {});
    const both = [alone(t, gatehouse.home), alone(t, gatehouse.home)];

    for (const [i, { ask }] of both.entries()) {
        await ask(opening);
        await ask(call(1, 'save_snapshot', { summary: `wall ${i}`, context: 'bricks', name: `wall-${i}` }));
    }
    for (const { ask } of both) {
        const { result } = await ask(call(2, 'list_snapshots', {}));
        for (const i of [0, 1]) match(JSON.stringify(result), new RegExp(`wall ${i}`));
    }
    match((await gatehouse.command('doctor')).stdout, /snapshots whole \(2 saved\)/);
    const added = await gatehouse.command('add', 'again', gatehouse.url('snapshots'), '--no-try'); // itself, as a server behind itself
    equal(added.code, 0, added.stderr);
});

test('on stdio a home that others may enter is refused, and what is not built in', { timeout: 60000 }, async (t) => {
    const { home } = new House(t);
    chmodSync(home, 0o750);
    const refused = await finish(built('gatehouse'), ['stdio', 'snapshots', '--home', home]);
    deepEqual([refused.code, refused.stdout], [4, '']);
    match(refused.stderr, /others may enter the home/);
    chmodSync(home, 0o700);
    const unknown = await finish(built('gatehouse'), ['stdio', 'snapshot', '--home', home]);
    deepEqual([unknown.code, unknown.stdout], [3, '']);
    match(unknown.stderr, /gatehouse stdio snapshots/);
    const wrong = await finish(built('gatehouse'), ['stdio', 'snapshots', '--home', home, '--snapshots.size', 'much']);
    equal(wrong.code, 2);
    match(wrong.stderr, /snapshots\.size/);
});
