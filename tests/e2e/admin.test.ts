// A model looks after the servers: the official clients do through /gateway/mcp what a person does on the command line.

import { Client as ClientV2, StreamableHTTPClientTransport as HttpV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport as HttpV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { join } from 'node:path';
import { atEnd, everythingHttp, finish, house, packages, until } from './harness.ts';
import type { House } from './harness.ts';
import { plainClient } from './official.ts';

const place = (gatehouse: House) => new URL(`http://localhost:${gatehouse.port}/gateway/mcp`);
const bearer = (token: string) => ({ requestInit: { headers: { Authorization: `Bearer ${token}` } } });
const modern = { versionNegotiation: { mode: { pin: '2026-07-28' } } };

type Tool = { name: string };
type Result = { isError?: boolean; content: { text: string }[]; structuredContent?: Record<string, any> };
type Client = { callTool: (call: { name: string; arguments?: object }) => Promise<Result>; listTools: () => Promise<{ tools: Tool[] }> };

const officials: Record<string, (t: TestContext, gatehouse: House, token: string) => Promise<Client>> = {
    'sdk 1.32.2': async (t, gatehouse, token) => {
        const client = new ClientV1({ name: 'e2e', version: '1' });
        await client.connect(new HttpV1(place(gatehouse), bearer(token)));
        atEnd(t, () => client.close());
        return client as unknown as Client;
    },
    'client 2.4.0': async (t, gatehouse, token) => {
        const client = new ClientV2({ name: 'e2e', version: '1' });
        await client.connect(new HttpV2(place(gatehouse), bearer(token)));
        atEnd(t, () => client.close());
        return client as unknown as Client;
    },
    'client 2.4.0 at 2026-07-28': async (t, gatehouse, token) => {
        const client = new ClientV2({ name: 'e2e', version: '1' }, modern);
        await client.connect(new HttpV2(place(gatehouse), bearer(token)));
        atEnd(t, () => client.close());
        return client as unknown as Client;
    },
};

for (const [official, connect] of Object.entries(officials)) {
    test(`${official} adds a server, calls it, finds the call, and removes it`, { timeout: 60000 }, async (t) => {
        const gatehouse = await house(t, {});
        const url = await everythingHttp(t);
        const admin = await connect(t, gatehouse, gatehouse.token);
        const { tools } = await admin.listTools(); // with the schemas by which the client judges what comes
        equal(tools.length, 4);

        const added = await admin.callTool({ name: 'add_server', arguments: { name: 'everything', url } });
        equal(added.isError ?? false, false, JSON.stringify(added));
        const there = await plainClient(t, 'sdk 1.32.2', { url: added.structuredContent!['endpoint'] });
        const sum = (await there.callTool({ name: 'get-sum', arguments: { a: 2, b: 40 } })) as Result;
        match(sum.content[0]!.text, /42/);

        const search = { name: 'search_records', arguments: { serverName: 'everything', method: 'tools/call', text: '42' } };
        const found = await until('the call in the log', 10000, async () => {
            const { structuredContent } = await admin.callTool(search);
            return structuredContent!['count'] === 1 ? structuredContent!['records'][0] : undefined;
        });
        equal(found.target, 'get-sum');
        deepEqual(JSON.parse(found.request).arguments, { a: 2, b: 40 });

        const { structuredContent: list } = await admin.callTool({ name: 'list_servers', arguments: { filter: 'active', format: 'detailed' } });
        deepEqual(list!['servers'].map((server: any) => [server.name, server.state, server.target]), [['everything', 'running', url]]);

        const refused = await admin.callTool({ name: 'add_server', arguments: { name: 'shell', command: 'sh' } });
        ok(refused.isError && refused.content[0]!.text.includes('admin.mcp_commands'), JSON.stringify(refused));

        const removed = await admin.callTool({ name: 'remove_server', arguments: { name: 'everything' } });
        equal(removed.content[0]!.text, 'Removed everything. What it did stays in the log.');
        deepEqual((await gatehouse.command('list', '--names')).stdout, 'snapshots\n'); // which is built in
        deepEqual(gatehouse.sql(`SELECT 1 FROM exchange WHERE target IN ('add_server', 'search_records')`), []);
    });

    test(`${official} without the token does not come in`, { timeout: 60000 }, async (t) => {
        const gatehouse = await house(t, {});
        await rejects(connect(t, gatehouse, 'wrong'));
    });
}

test('the Inspector adds a server, lists and removes it', { timeout: 120000 }, async (t) => {
    const gatehouse = await house(t, {});
    const url = await everythingHttp(t);
    const inspector = join(packages, '@modelcontextprotocol/inspector');
    const { bin } = await import(join(inspector, 'package.json'), { with: { type: 'json' } }).then((module) => module.default);
    const program = join(inspector, typeof bin === 'string' ? bin : bin['mcp-inspector']);

    async function call(tool: string, ...given: string[]): Promise<Result> {
        const where = ['--cli', place(gatehouse).href, '--transport', 'http', '--header', `Authorization: Bearer ${gatehouse.token}`];
        const what = ['--method', 'tools/call', '--tool-name', tool, ...given.flatMap((each) => ['--tool-arg', each]), '--format', 'json', '-q'];
        const { stdout, stderr } = await finish(process.execPath, [program, ...where, ...what], 30000, { HOME: '/nonexistent' });
        ok(stdout.startsWith('{'), stderr);
        const answer = JSON.parse(stdout);
        return answer.result ?? answer;
    }
    match((await call('add_server', 'name=everything', `url=${url}`)).content[0]!.text, /^Added everything/);
    match((await call('list_servers')).content[0]!.text, /^2 servers, 0 used in the last hour\.\neverything: idle, http, never used\nsnapshots: running, built-in, never used$/);
    match((await call('remove_server', 'name=everything')).content[0]!.text, /^Removed everything/);
});
