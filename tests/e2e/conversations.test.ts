// What a server says during a call, and of its own accord, reaches a real client, and the client's answers reach it.

import { Client as ClientV2 } from '@modelcontextprotocol/client';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import {
    CreateMessageRequestSchema,
    ElicitRequestSchema,
    ListRootsRequestSchema,
    LoggingMessageNotificationSchema,
    ResourceListChangedNotificationSchema,
    ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { everythingHttp, everythingStdio, house, until } from './harness.ts';
import type { House } from './harness.ts';
import { connect } from './official.ts';

const all = { roots: { listChanged: true }, sampling: {}, elicitation: { form: {}, url: {} } };

const roots = { roots: [{ uri: 'file:///home/ada/src', name: 'sources' }] };
const sampled = { model: 'e2e', role: 'assistant' as const, content: { type: 'text' as const, text: 'forty-two' } };
const elicited = { action: 'accept' as const, content: { name: 'Ada', check: true, integer: 7 } };

/** Clients that declare all capabilities, and what each was told. */
function clientV1() {
    const client = new ClientV1({ name: 'e2e', version: '1' }, { capabilities: all });
    const heard = { logs: [] as { level: string; data: unknown }[], updated: [] as string[], listsChanged: 0 };

    client.setRequestHandler(ListRootsRequestSchema, () => roots);
    client.setRequestHandler(CreateMessageRequestSchema, () => sampled);
    client.setRequestHandler(ElicitRequestSchema, () => elicited);
    client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.logs.push(params as never));
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void heard.updated.push(params.uri));
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => void heard.listsChanged++);
    return { client, heard };
}

function clientV2() {
    const client = new ClientV2({ name: 'e2e', version: '1' }, { capabilities: all });
    const heard = { logs: [] as { level: string; data: unknown }[], updated: [] as string[], listsChanged: 0 };

    client.setRequestHandler('roots/list', () => roots);
    client.setRequestHandler('sampling/createMessage', () => sampled);
    client.setRequestHandler('elicitation/create', () => elicited);
    client.setNotificationHandler('notifications/message', ({ params }) => void heard.logs.push(params as never));
    client.setNotificationHandler('notifications/resources/updated', ({ params }) => void heard.updated.push(params.uri));
    client.setNotificationHandler('notifications/resources/list_changed', () => void heard.listsChanged++);
    return { client: client as unknown as ClientV1, heard };
}

const text = (result: unknown) => (result as { content: { text: string }[] }).content.map((each) => each.text).join('\n');

/** The same conversations with a child and with an HTTP server. */
function withBoth(name: string, limitMs: number, body: (t: TestContext, gatehouse: House) => Promise<void>): void {
    test(`${name}, a child`, { timeout: limitMs }, async (t) => body(t, await house(t, { everything: everythingStdio })));
    test(`${name}, over HTTP`, { timeout: limitMs }, async (t) => body(t, await house(t, { everything: { url: await everythingHttp(t) } })));
}

withBoth('progress arrives while the call runs', 60000, async (t, gatehouse) => {
    const { client } = clientV1();
    const at: number[] = [];
    await connect(t, client, { url: gatehouse.url('everything') });

    const began = performance.now();
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 2, steps: 4 } };
    const result = await client.callTool(call, undefined, { onprogress: ({ progress }) => (at[progress] = performance.now() - began) });
    const end = performance.now() - began;

    match(text(result), /completed/);
    deepEqual(Object.keys(at), ['1', '2', '3', '4']);
    ok(end - at[1]! > 1000, `the first of four steps in 2 s came ${Math.round(end - at[1]!)} ms before the end`);
    ok(end - at[3]! > 250, `the third came ${Math.round(end - at[3]!)} ms before the end`);
    for (const step of [2, 3]) ok(at[step + 1]! - at[step]! > 200, `step ${step + 1} came with step ${step}`);
});

for (const [official, make] of [['sdk 1.32.2', clientV1], ['client 2.4.0', clientV2]] as const)
    withBoth(`${official} is asked for roots, a sample and a form during its calls`, 60000, async (t, gatehouse) => {
        const { client } = make();
        await connect(t, client, { url: gatehouse.url('everything') });
        const { tools } = await client.listTools();
        const names = tools.map((tool) => tool.name);

        for (const name of ['get-roots-list', 'trigger-sampling-request', 'trigger-elicitation-request']) ok(names.includes(name), name);
        match(text(await client.callTool({ name: 'get-roots-list', arguments: {} })), /sources[\s\S]*file:\/\/\/home\/ada\/src/);
        match(text(await client.callTool({ name: 'trigger-sampling-request', arguments: { prompt: 'six by nine' } })), /forty-two/);
        const answer = text(await client.callTool({ name: 'trigger-elicitation-request', arguments: {} }));
        match(answer, /Name: Ada/);
        match(answer, /Favorite Integer: 7/);
    });

withBoth('a subscriber hears of updates, another client does not', 60000, async (t, gatehouse) => {
    const [ada, bob] = [clientV1(), clientV1()];
    const uri = 'demo://resource/dynamic/text/1';
    for (const { client } of [ada, bob]) await connect(t, client, { url: gatehouse.url('everything') });

    await ada.client.subscribeResource({ uri });
    await ada.client.callTool({ name: 'toggle-subscriber-updates', arguments: {} });
    await until('an update', 10000, () => ada.heard.updated.length > 0);
    deepEqual(new Set(ada.heard.updated), new Set([uri]));
    deepEqual(bob.heard.updated, []);
    await ada.client.unsubscribeResource({ uri });
    await ada.client.callTool({ name: 'toggle-subscriber-updates', arguments: {} });
});

withBoth('log messages come to the client, those below its level do not', 60000, async (t, gatehouse) => {
    const { client, heard } = clientV1();
    await connect(t, client, { url: gatehouse.url('everything') });

    // On `subscribe` the server logs a message of level info.
    await client.setLoggingLevel('info');
    await client.subscribeResource({ uri: 'demo://resource/dynamic/text/1' });
    await until('a log message', 10000, () => heard.logs.some(({ data }) => /Subscribe/.test(String(data))));
    await client.setLoggingLevel('error');
    heard.logs.length = 0;
    await client.subscribeResource({ uri: 'demo://resource/dynamic/text/2' });
    await client.ping();
    equal(heard.logs.filter(({ data }) => /Subscribe/.test(String(data))).length, 0);
});

withBoth('a changed list is said to the client', 60000, async (t, gatehouse) => {
    const { client, heard } = clientV1();
    await connect(t, client, { url: gatehouse.url('everything') });
    await client.callTool({ name: 'gzip-file-as-resource', arguments: { name: 'new.gz', data: 'data:text/plain,house' } });

    await until('resources/list_changed', 10000, () => heard.listsChanged > 0);
    ok((await client.listResources()).resources.some(({ uri }) => uri.endsWith('new.gz')));
    const { contents } = await client.readResource({ uri: 'demo://resource/session/new.gz' });
    equal((contents[0] as { mimeType?: string }).mimeType, 'application/gzip');
});

withBoth('a call that the client cancels is recorded so, and the next one is answered', 60000, async (t, gatehouse) => {
    const { client } = clientV1();
    await connect(t, client, { url: gatehouse.url('everything') });
    const call = { name: 'trigger-long-running-operation', arguments: { duration: 20, steps: 20 } };
    const abort = new AbortController();
    const pending = client.callTool(call, undefined, { signal: abort.signal, onprogress: () => abort.abort('enough') });

    await rejects(pending, /enough/);
    match(text(await client.callTool({ name: 'echo', arguments: { message: 'still here' } })), /still here/);
    await until('the record of the cancelled call', 5000, () => {
        const [row] = gatehouse.sql(`SELECT outcome FROM exchange WHERE target = 'trigger-long-running-operation'`);
        return row?.['outcome'] === 'cancelled';
    });
});
