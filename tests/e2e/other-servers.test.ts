// Other servers that people run, as children: the same answers as without Gatehouse; and what a child is given.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { ListRootsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { atEnd, descendants, everythingStdio, house, open, packages, post, until } from './harness.ts';
import { connect, plainClient } from './official.ts';
import type { Place } from './official.ts';

function folder(t: TestContext): string {
    const path = realpathSync(mkdtempSync(join(tmpdir(), 'gatehouse-e2e-files-')));
    atEnd(t, () => rmSync(path, { recursive: true }));
    return path;
}

const text = (result: unknown) => (result as { content: { text: string }[] }).content.map((each) => each.text).join('\n');

test('server-filesystem reads, writes and refuses as without Gatehouse', { timeout: 60000 }, async (t) => {
    const path = folder(t);
    const files = { command: process.execPath, args: [join(packages, '@modelcontextprotocol/server-filesystem/dist/index.js'), path] };
    const gatehouse = await house(t, { files });
    writeFileSync(join(path, 'long.txt'), 'Zeile mit ß und 🌍\n'.repeat(20000)); // 400 KB in one message

    const survey = async (place: Place) => {
        const client = await plainClient(t, 'sdk 1.32.2', place);
        const call = (name: string, given: Record<string, unknown>) => client.callTool({ name, arguments: given });
        return {
            tools: await client.listTools(),
            allowed: await call('list_allowed_directories', {}),
            wrote: await call('write_file', { path: join(path, 'note.txt'), content: 'once\n' }),
            read: await call('read_text_file', { path: join(path, 'note.txt') }),
            long: await call('read_text_file', { path: join(path, 'long.txt') }),
            refused: await call('read_text_file', { path: '/etc/passwd' }),
            missing: await call('read_text_file', { path: join(path, 'nothing.txt') }),
        };
    };
    const [direct, through] = [await survey(files), await survey({ url: gatehouse.url('files') })];
    equal(through.tools.tools.length, 14);
    equal((through.refused as { isError?: boolean }).isError, true);
    deepEqual(through, direct);
});

test('server-memory keeps what one client told it for the next', { timeout: 60000 }, async (t) => {
    const memory = {
        command: process.execPath,
        args: [join(packages, '@modelcontextprotocol/server-memory/dist/index.js')],
        env: { MEMORY_FILE_PATH: join(folder(t), 'memory.jsonl') },
    };
    const gatehouse = await house(t, { memory });
    const [ada, bob] = [await plainClient(t, 'sdk 1.32.2', { url: gatehouse.url('memory') }), await plainClient(t, 'client 2.4.0', { url: gatehouse.url('memory') })];
    const entities = [{ name: 'Gatehouse', entityType: 'house', observations: ['stands at the gate'] }];

    equal((await ada.listTools()).tools.length, 9);
    await ada.callTool({ name: 'create_entities', arguments: { entities } });
    match(text(await bob.callTool({ name: 'read_graph', arguments: {} })), /stands at the gate/);
});

test('a child is given the variables of the list and its own, nothing else', { timeout: 30000 }, async (t) => {
    const env = { SECRET_OF_THE_SHELL: 'x', LD_PRELOAD_: 'x', HTTPS_PROXY: 'http://127.0.0.1:9', XDG_CACHE_HOME: '/tmp/cache' };
    const everything = { ...everythingStdio, env: { OWN: '${SECRET_OF_THE_SHELL}y' } };
    const gatehouse = await house(t, { everything }, env);
    const client = await plainClient(t, 'sdk 1.32.2', { url: gatehouse.url('everything') });
    const given = JSON.parse(text(await client.callTool({ name: 'get-env', arguments: {} })));

    equal(given.OWN, 'xy');
    equal(given.HTTPS_PROXY, 'http://127.0.0.1:9');
    equal(given.XDG_CACHE_HOME, '/tmp/cache');
    ok(given.PATH);
    for (const name of ['SECRET_OF_THE_SHELL', 'LD_PRELOAD_', 'GATEHOUSE_HOME']) equal(given[name], undefined, name);
});

test('isolated sessions have a child each, which ends with its session', { timeout: 30000 }, async (t) => {
    const gatehouse = await house(t, { own: { ...everythingStdio, sessionMode: 'isolated' } });
    const children = () => descendants(gatehouse.pid).filter(({ command }) => command.startsWith(process.execPath)).length;
    const url = gatehouse.url('own');
    const asked = async (name: string) => {
        const client = new Client({ name, version: '1' }, { capabilities: { roots: {} } });
        client.setRequestHandler(ListRootsRequestSchema, () => ({ roots: [{ uri: `file:///home/${name}`, name }] }));
        return await connect(t, client, { url });
    };
    const clients = await Promise.all(['ada', 'bob', 'cyd'].map(asked));

    // Each server asks its own client, while the others ask theirs.
    const answers = await Promise.all(clients.map((client) => client.callTool({ name: 'get-roots-list', arguments: {} })));
    for (const [i, name] of ['ada', 'bob', 'cyd'].entries()) match(text(answers[i]), new RegExp(`file:///home/${name}`));
    equal(children(), 3);

    const session = await open(url);
    equal(children(), 4);
    equal((await fetch(url, { method: 'DELETE', headers: session })).ok, true);
    await until('the end of its child', 8000, () => children() === 3);
    equal((await post(url, 'ping', {}, session)).status, 404);
});
