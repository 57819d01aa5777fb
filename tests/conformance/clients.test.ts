// The official TypeScript clients, v1, and v2 in both eras, do all they can do with the test server: over HTTP, on stdio,
// through mcp-remote, and through Gatehouse, which finds a server of the other era alone behind it.

import { deepEqual, equal, match, ok, rejects } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { built, finish, house } from '../e2e/harness.ts';
import { Peer, officials, remote, serverOnStdio, serverOverHttp } from './peers.ts';
import type { Message } from './schemas.ts';
import type { Place } from './wire.ts';

const watched = 'test://watched-resource';

type Case = (peer: Peer) => Promise<void>;

const cases: Record<string, Case> = {
    'agree on the newest revision they know': async ({ client, isModern, transport }) => {
        const revision = (client as Message)['getNegotiatedProtocolVersion']?.() ?? transport['protocolVersion'] ?? '2025-11-25';

        equal(revision, isModern ? '2026-07-28' : '2025-11-25');
        equal(client.getServerVersion()!.name, 'conformance-server');
        match(client.getInstructions()!, /scenarios/);
        deepEqual(Object.keys(client.getServerCapabilities()!).filter((each) => /tools|prompts|resources|completions/.test(each)).length, 4);
    },

    'ping, where there is a ping': async ({ client, isModern }) => {
        if (!isModern) deepEqual(await client.ping(), {});
    },

    'get content of every kind': async (peer) => {
        const { tools } = await peer.client.listTools();
        const content = async (name: string) => (await peer.client.callTool({ name, arguments: {} }))['content'];

        ok(tools.every(({ description, inputSchema }) => description !== undefined && inputSchema.type === 'object'));
        equal(await peer.call('test_simple_text'), 'This is a simple text response for testing.');
        equal((await content('test_image_content'))[0].mimeType, 'image/png');
        equal((await content('test_audio_content'))[0].mimeType, 'audio/wav');
        equal((await content('test_embedded_resource'))[0].resource.uri, 'test://embedded-resource');
        deepEqual((await content('test_multiple_content_types')).map(({ type }: Message) => type), ['text', 'image', 'resource']); // prettier-ignore
        equal(await peer.call('greet', { name: 'Ada' }), 'Hello, Ada!');
    },

    'say an argument in a header too, where that is said': async (peer) => {
        await peer.client.listTools(); // says which
        equal(await peer.call('test_x_mcp_header', { region: ' Østfold ' }), 'Region:  Østfold ');
    },

    'are told what went wrong': async (peer) => {
        equal((await peer.client.callTool({ name: 'test_error_handling', arguments: {} }))['isError'], true);
        equal((await peer.client.callTool({ name: 'greet', arguments: { name: 7 } }))['isError'], true);
        await rejects(peer.call('no_such_tool'), { code: -32602 });
        await rejects(peer.client.readResource({ uri: 'test://nowhere' }), { code: peer.isV1 ? -32002 : -32602 });
        await rejects(peer.client.getPrompt({ name: 'no_such_prompt' }), { code: -32602 });
    },

    'hear how far a call is': async (peer) => {
        const steps: number[] = [];

        await peer.call('test_tool_with_progress', {}, {}, { onprogress: ({ progress }: Message) => steps.push(progress) });
        deepEqual(steps, [0, 50, 100].slice(0, steps.length)); // what comes in one piece with the answer, the SDKs lose
    },

    'hear the log at the level they ask for': async (peer) => {
        const debug = peer.isModern ? { _meta: { 'io.modelcontextprotocol/logLevel': 'debug' } } : {};
        const heard = () => peer.told.filter(({ method }) => method === 'notifications/message').map(({ params }) => params!['data']);

        if (!peer.isModern) await peer.client.setLoggingLevel('error');
        await peer.call('test_logging_tool');
        deepEqual(heard(), []);
        if (!peer.isModern) await peer.client.setLoggingLevel('debug');
        await peer.call('test_tool_with_logging', {}, debug);
        deepEqual(heard(), ['Tool execution started', 'Tool processing data', 'Tool execution completed']);
    },

    'have their model asked': async (peer) => {
        equal(await peer.call('test_sampling', { prompt: 'hi' }), 'LLM response: You said: hi');
        equal(await peer.call('test_sampling_with_tools', { prompt: 'Weather?' }), 'Stopped for: toolUse');
        equal(await peer.call('test_input_required_result_sampling'), 'You said: What is the capital of France?');
    },

    'have their person asked': async (peer) => {
        equal(await peer.call('test_elicitation', { message: 'Who?' }), 'User response: action=accept, content={"username":"ada"}');
        const [, defaults] = /content=(.*)$/.exec(await peer.call('test_elicitation_sep1034_defaults'))!;
        const { name: _, ...others } = JSON.parse(defaults!);
        deepEqual(others, { age: 30, score: 95.5, status: 'active', verified: true });
        match(await peer.call('test_elicitation_sep1330_enums'), /action=accept/);
        equal(await peer.call('test_elicitation_url'), 'User response: action=accept');
        equal(await peer.call('test_input_required_result_elicitation'), 'Hello, Ada!');
    },

    'have their roots asked for': async (peer) => {
        equal(await peer.call('test_roots'), 'file:///somewhere');
        equal(await peer.call('test_input_required_result_list_roots'), '1 roots');
        if (!peer.isModern) await peer.client.sendRootsListChanged();
    },

    'are asked several things, at once and one after the other': async (peer) => {
        equal(await peer.call('test_input_required_result_multiple_inputs'), 'You said: Generate a greeting, Ada: 1 roots');
        equal(await peer.call('test_input_required_result_multi_round'), 'Ada likes blue');
        match(await peer.call('test_input_required_result_request_state'), peer.isModern ? /^confirmed, state-ok$/ : /^confirmed/);
        equal(await peer.call('test_input_required_result_capabilities'), 'Asked both');
        equal(await peer.call('test_streaming_elicitation'), 'Hello, Ada!');
    },

    'wait for what is a task for others': async (peer) => {
        equal(await peer.call('slow_compute', { seconds: 0.1, label: 'all' }), 'Computed all');
        equal(await peer.call('confirm_delete', { filename: 'a.txt' }), 'Deleted a.txt');
        equal(await peer.call('multi_input'), 'Ada and Ada');
        equal(await peer.call('test_tool_with_task'), 'Hello, Ada!');
        await rejects(peer.call('protocol_error_job'), { code: 4001 });
    },

    'read resources': async ({ client }) => {
        const text = async (uri: string) => ((await client.readResource({ uri })).contents[0] as Message)['text'];

        const { resources } = await client.listResources();
        const { resourceTemplates } = await client.listResourceTemplates();

        deepEqual(resources.map(({ uri }) => uri), ['test://static-text', 'test://static-binary', watched]); // prettier-ignore
        deepEqual(resourceTemplates.map(({ uriTemplate }) => uriTemplate), ['test://template/{id}/data']); // prettier-ignore
        equal(await text('test://static-text'), 'This is the content of the static text resource.');
        equal(JSON.parse(await text('test://template/7/data')).id, '7');
        const [binary] = (await client.readResource({ uri: 'test://static-binary' })).contents as Message[];
        equal(Buffer.from(binary!['blob'], 'base64').subarray(1, 4).toString(), 'PNG');
    },

    'get prompts': async ({ client }) => {
        const first = async (name: string, given: Record<string, string> = {}) =>
            (await client.getPrompt({ name, arguments: given })).messages[0]!.content as Message;

        equal((await client.listPrompts()).prompts.length, 5);
        equal((await first('test_simple_prompt'))['text'], 'This is a simple prompt for testing.');
        equal((await first('test_prompt_with_arguments', { arg1: 'a', arg2: 'b' }))['text'], "Prompt with arguments: arg1='a', arg2='b'");
        equal((await first('test_prompt_with_embedded_resource', { resourceUri: 'test://x' }))['resource'].uri, 'test://x');
        equal((await first('test_prompt_with_image'))['mimeType'], 'image/png');
        equal((await first('test_input_required_result_prompt'))['text'], 'Use this context: in Oslo');
        await rejects(client.getPrompt({ name: 'test_prompt_with_arguments', arguments: { arg1: 'a' } }), { code: -32602 });
    },

    'complete arguments': async ({ client }) => {
        const prompt = { type: 'ref/prompt' as const, name: 'test_prompt_with_arguments' };
        const template = { type: 'ref/resource' as const, uri: 'test://template/{id}/data' };
        const values = async (ref: typeof prompt | typeof template, name: string, value: string) =>
            (await client.complete({ ref, argument: { name, value } })).completion.values;

        deepEqual(await values(prompt, 'arg1', 'test'), ['test', 'testing']);
        deepEqual(await values(template, 'id', ''), ['123', '456']);
    },

    'fetch lists again that changed': async (peer) => {
        const refreshed = (what: string) => () => peer.refreshed.includes(what);

        await peer.hearsOf('the tools', () => peer.call('test_trigger_tool_change'), refreshed('tools'));
        await peer.hearsOf('the prompts', () => peer.call('test_trigger_prompt_change'), refreshed('prompts'));
        await peer.hearsOf('the resources', () => peer.call('test_trigger_resource_change'), refreshed('resources'));
    },

    'watch a resource': async (peer) => {
        const update = () => peer.call('test_trigger_resource_update');
        const listening = peer.isModern
            ? await (peer.client as Message)['listen']({ resourceSubscriptions: [watched] })
            : await peer.client.subscribeResource({ uri: watched });

        await peer.hearsOf('the update', update, () => peer.hears('notifications/resources/updated', ({ uri }) => uri === watched));
        if (peer.isModern) deepEqual(listening.honoredFilter, { resourceSubscriptions: [watched] });
        await (peer.isModern ? listening.close() : peer.client.unsubscribeResource({ uri: watched }));
    },

    'come back for an answer whose stream had ended': async (peer) => {
        equal(await peer.call('test_reconnection'), 'The answer came after its stream had ended.');
    },

    'ask many things at once': async (peer) => {
        const names = Array.from({ length: 100 }, (_, i) => `number ${i}`);
        deepEqual(await Promise.all(names.map((name) => peer.call('greet', { name }))), names.map((name) => `Hello, ${name}!`)); // prettier-ignore
    },

    'cancel a call, and no answer comes to it': async (peer) => {
        const stop = new AbortController();
        const work = { seconds: 2, label: 'all' };
        const cancelled = peer.call('slow_compute', work, {}, { signal: stop.signal, onprogress: () => stop.abort('too slow') });

        await rejects(cancelled);
        equal(await peer.call('slow_compute', work), 'Computed all'); // for longer than it would have taken
    },
};

/** What a client cannot, and why. */
const cannot: Record<string, Record<string, string>> = {
    'client 2.4.0 at 2026-07-28 over mcp-remote': {
        'say an argument in a header too, where that is said': 'mcp-remote does not add Mcp-Param-*',
        'cancel a call, and no answer comes to it': 'mcp-remote does not close the stream of a call that is cancelled',
    },
};

/** What the clients complain of, and is theirs. */
const theirs = [
    /progress notification for an unknown token/, // it came in one piece with the answer, which they take first
    /SSE stream|Maximum reconnection/, // they come back to the stream of a call that ended in an error, or was cancelled: with an id, then without
];

type Way = { name: string; place: (t: TestContext, isModern: boolean, official: string) => Place; only?: string };

const isOfModern = (official: string) => official.endsWith('2026-07-28');

/** A child for each client: on stdio nothing says whose call a log message is of, so that of two that call at once neither hears it. */
const childOf = (official: string) => `child-${officials.findIndex((each) => each === official)}`;
const childOfOtherEra = (official: string) => ({ command: built('conformance-server'), args: ['--stdio', '--era', isOfModern(official) ? 'legacy' : 'modern'] });

test('official clients and the test server', { timeout: 300000, concurrency: 9 }, async (t) => {
    const [url, legacy, modern] = await Promise.all([[], ['--era', 'legacy'], ['--era', 'modern']].map((args) => serverOverHttp(t, ...args)));
    const gatehouse = await house(t, {
        child: serverOnStdio(),
        ...{ 'legacy-http': { url: legacy }, 'modern-http': { url: modern } },
        ...Object.fromEntries(officials.map((official) => [childOf(official), childOfOtherEra(official)])),
    });
    const ways: Way[] = [
        { name: 'HTTP', place: () => ({ url: url! }) },
        { name: 'stdio', place: () => serverOnStdio() },
        { name: 'mcp-remote', place: (own) => remote(own, url!, 'proxy') },
        { name: 'Gatehouse, child', place: () => ({ url: gatehouse.url('child') }), only: 'client 2.4.0 at 2026-07-28' },
        ...['http', 'stdio'].map((over) => ({
            name: `Gatehouse, bridged to ${over}`,
            place: (_: TestContext, isModern: boolean, official: string) => ({ url: gatehouse.url(over === 'stdio' ? childOf(official) : `${isModern ? 'legacy' : 'modern'}-http`) }),
        })),
    ];
    const all = officials.flatMap((official) => ways.filter(({ only = official }) => only === official).map((way) => ({ official, way })));

    const runs = all.map(({ official, way }) =>
        t.test(`${official} over ${way.name}`, { timeout: 120000 }, async (own) => {
            const peer = await new Peer(official).connect(own, way.place(own, isOfModern(official), official));

            for (const [what, play] of Object.entries(cases))
                await own.test(what, { timeout: 60000, skip: cannot[own.name]?.[what] }, () => play(peer));
            deepEqual(peer.wrong.filter((each) => !theirs.some((fits) => fits.test(each))), []); // prettier-ignore
        }),
    );
    await Promise.all(runs);
});

for (const official of officials)
    test(`${official} takes lists in pages`, { timeout: 60000 }, async (t) => {
        for (const place of [{ url: await serverOverHttp(t, '--page', '5') }, serverOnStdio('--page', '5')]) {
            const { client } = await new Peer(official).connect(t, place);
            const names: string[] = [];
            let cursor: string | undefined, pages = 0; // prettier-ignore

            do {
                const { tools, nextCursor } = await client.listTools({ cursor: cursor as string }); // v2 follows by itself when none is named
                names.push(...tools.map(({ name }) => name));
                cursor = nextCursor;
                pages++;
            } while (cursor !== undefined);
            ok(names.length > 20);
            equal(new Set(names).size, names.length);
            if (official === 'sdk 1.32.2') equal(pages, Math.ceil(names.length / 5));
            await rejects(client.listTools({ cursor: 'made up' }), { code: -32602 });
        }
    });

for (const official of officials.filter((each) => !isOfModern(each)))
    test(`${official} ends its session`, { timeout: 60000 }, async (t) => {
        const peer = await new Peer(official).connect(t, { url: await serverOverHttp(t) });

        ok(peer.transport['sessionId'] !== undefined);
        await peer.transport['terminateSession']();
        equal(peer.transport['sessionId'], undefined);
    });

test('client 2.4.0 finds out which era a server speaks', { timeout: 60000 }, async (t) => {
    const eras = [['legacy', '2025-11-25'], ['modern', '2026-07-28'], ['both', '2026-07-28']]; // prettier-ignore

    for (const [era, revision] of eras)
        for (const place of [{ url: await serverOverHttp(t, '--era', era!) }, serverOnStdio('--era', era!)]) {
            const peer = await new Peer('client 2.4.0', 'auto').connect(t, place);
            equal((peer.client as Message)['getNegotiatedProtocolVersion'](), revision);
            equal(await peer.call('test_elicitation_url'), 'User response: action=accept');
        }
});

test('mcp-remote lets a legacy client speak with a modern server', { timeout: 60000 }, async (t) => {
    const url = await serverOverHttp(t, '--era', 'modern');
    const peer = await new Peer('sdk 1.32.2').connect(t, remote(t, url, 'proxy', '--protocol', 'auto'));

    equal(await peer.call('greet', { name: 'Ada' }), 'Hello, Ada!');
    equal(await peer.call('test_elicitation', { message: 'Who?' }), 'User response: action=accept, content={"username":"ada"}');
    equal((await peer.client.listPrompts()).prompts.length, 5);
});

test('the client of mcp-remote looks at all there is', { timeout: 60000 }, async (t) => {
    const { command, args, env } = remote(t, await serverOverHttp(t), 'client');
    const { code, stdout, stderr } = await finish(command, args, 30000, env);

    equal(code, 0, stderr);
    match(stdout + stderr, /test_simple_text/);
    match(stdout + stderr, /test:\/\/static-text/);
});
