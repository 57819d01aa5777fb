// What the official suite does not test, in each revision and on each transport that has it. Every message that the server
// sends meanwhile is valid for its revision by the official definitions.

import { deepEqual, equal, match, notDeepEqual, ok } from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { built, house, run, until } from '../e2e/harness.ts';
import { keepPage } from './page.ts';
import { Wire } from './wire.ts';
import type { Answers, Place } from './wire.ts';
import type { Message } from './schemas.ts';

const revisions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25', '2026-07-28'];
const legacy = { to: '2025-11-25' };
const modern = { from: '2026-07-28' };
const any = { from: '', to: '9' };
const program = built('conformance-server');

type Case = {
    from?: string;
    to?: string;
    over?: 'http' | 'stdio';
    capabilities?: Message;
    answers?: Answers;
    args?: string[]; // of the server
    lacks?: RegExp; // ways that have no such thing
    run: (wire: Wire) => Promise<void>;
};

const accept = (content: Message) => ({ action: 'accept', content });
const tasks = { extensions: { 'io.modelcontextprotocol/tasks': {} } };
const watched = 'test://watched-resource';

async function pages(wire: Wire, method: string, key: string): Promise<{ names: string[]; pages: number }> {
    const names: string[] = [];

    for (let count = 1, cursor: string | undefined; ; count++) {
        const { result } = await wire.request(method, cursor === undefined ? {} : { cursor });
        names.push(...result![key].map(({ name }: Message) => name));
        cursor = result!['nextCursor'];
        if (cursor === undefined) return { names, pages: count };
    }
}

/** Opens a modern subscription; resolves when it is acknowledged, to its id. */
async function listen(wire: Wire, notifications: Message): Promise<string> {
    const id = `listen-${wire.got.length}`;
    const mine = (params: Message) => params['_meta']?.['io.modelcontextprotocol/subscriptionId'] === id;

    void wire.once('subscriptions/listen', { notifications }, {}, id).catch(() => {}); // it ends with the test
    deepEqual((await wire.next('notifications/subscriptions/acknowledged', mine))['params'].notifications, notifications);
    return id;
}

/** Cancels a call that works already, and waits for longer than it would have. */
async function cancel(wire: Wire): Promise<void> {
    const work = { name: 'slow_compute', arguments: { seconds: 1, label: 'all' } };

    void wire.once('tools/call', { ...work, _meta: { progressToken: 'slow' } }, {}, 'slow').catch(() => {}); // so it is to be
    await wire.next('notifications/progress');
    await wire.notify('notifications/cancelled', { requestId: 'slow', reason: 'too slow' });
    equal(await wire.call(work.name, work.arguments), 'Computed all');
    ok(wire.isUnanswered('slow'));
}

const hears = (wire: Wire, method: string) => wire.got.filter((message) => message['method'] === method).length;

// Beside a name stand the cells of docs/bridging.md that it shows, when it is bridged.
const cases: Record<string, Case[]> = {
    'a revision that is spoken is agreed on': [ // M1 L1
        {
            ...legacy,
            run: async (wire) => {
                const { protocolVersion, serverInfo, capabilities } = await wire.open();
                equal(protocolVersion, wire.revision);
                equal(serverInfo.name, 'conformance-server');
                equal('completions' in capabilities, wire.revision >= '2025-03-26');
                if (wire.revision < '2025-11-25') equal('tasks' in capabilities, false);
            },
        },
        {
            ...modern,
            run: async (wire) => {
                const { result } = await wire.request('server/discover');
                ok(result!['supportedVersions'].includes(wire.revision));
                ok('tools' in result!['capabilities'] && 'prompts' in result!['capabilities']);
            },
        },
        {
            ...modern,
            lacks: /bridged/, // what legacy servers call tasks is another thing
            run: async (wire) => {
                const { result } = await wire.request('server/discover');
                ok('io.modelcontextprotocol/tasks' in result!['capabilities'].extensions);
            },
        },
    ],
    'a revision that nobody speaks is answered with the newest that is': [
        {
            from: '2025-11-25',
            ...legacy,
            run: async (wire) => {
                const params = { protocolVersion: '1999-12-31', capabilities: {}, clientInfo: { name: 'wire', version: '1' } };
                equal((await wire.request('initialize', params)).result!['protocolVersion'], '2025-11-25');
            },
        },
        {
            ...modern,
            run: async (wire) => {
                const _meta = { 'io.modelcontextprotocol/protocolVersion': '2031-01-01' };
                const { status, error } = await wire.request('tools/list', { _meta }, { 'mcp-protocol-version': '2031-01-01' });
                equal(error!['code'], -32022);
                ok(error!['data'].supported.includes('2026-07-28'));
                equal(error!['data'].requested, '2031-01-01');
                ok(status === 400 || status === 0);
            },
        },
    ],
    'a modern revision is never agreed on by a handshake': [
        {
            from: '2025-11-25',
            ...legacy,
            run: async (wire) => {
                const params = { protocolVersion: '2026-07-28', capabilities: {}, clientInfo: { name: 'wire', version: '1' } };
                equal((await wire.request('initialize', params)).result!['protocolVersion'], '2025-11-25');
            },
        },
    ],
    'a batch is answered where there are batches': [ // L27
        {
            from: '2025-03-26',
            to: '2025-03-26',
            run: async (wire) => {
                await wire.open();
                const [ping, list] = await wire.batch([
                    { method: 'ping', id: 'ping' },
                    { method: 'notifications/roots/list_changed' },
                    { method: 'prompts/list', id: 'list' },
                ]);
                deepEqual(ping!.result, {});
                ok(list!.result!['prompts'].length > 3);
            },
        },
        {
            from: '2025-06-18',
            over: 'http',
            run: async (wire) => {
                await wire.open();
                const [refused] = await wire.batch([{ method: 'ping', id: 'one' }, { method: 'ping', id: 'two' }]); // prettier-ignore
                equal(refused!.status, 400);
                equal(refused!.error!['code'], -32600);
            },
        },
    ],
    'a call that is cancelled is not answered': [ // L21
        {
            ...legacy,
            run: async (wire) => {
                await wire.open();
                await cancel(wire);
            },
        },
        { ...modern, over: 'stdio', run: cancel },
    ],
    'lists come in pages, each entry once and in order': [ // M9 L9
        {
            args: ['--page', '5'],
            run: async (wire) => {
                await wire.open();
                const tools = await pages(wire, 'tools/list', 'tools');
                equal(tools.names[0], 'test_simple_text');
                equal(tools.names.length, new Set(tools.names).size);
                equal(tools.pages, Math.ceil(tools.names.length / 5));
                equal((await pages(wire, 'prompts/list', 'prompts')).names.length, 5);
            },
        },
    ],
    'a cursor that was not given out is refused': [ // M9 L9
        {
            args: ['--page', '5'],
            run: async (wire) => {
                await wire.open();
                const { result } = await wire.request('tools/list');
                for (const cursor of ['5', `${result!['nextCursor']}A`])
                    equal((await wire.request('tools/list', { cursor })).error!['code'], -32602);
                equal((await wire.request('resources/list', { cursor: result!['nextCursor'] })).error!['code'], -32602);
            },
        },
    ],
    'roots are asked for': [ // M16 L16
        {
            capabilities: { roots: {} },
            answers: { 'roots/list': () => ({ roots: [{ uri: 'file:///somewhere', name: 'Somewhere' }] }) },
            run: async (wire) => {
                await wire.open();
                equal(await wire.call('test_roots'), 'file:///somewhere');
                deepEqual(wire.asked, ['roots/list']);
            },
        },
    ],
    'a person is sent to a page': [ // M14 L14
        {
            from: '2025-11-25',
            capabilities: { elicitation: { form: {}, url: {} } },
            answers: {
                'elicitation/create': ({ mode, url }) => {
                    deepEqual({ mode, url }, { mode: 'url', url: 'https://example.com/consent' });
                    return { action: 'accept' };
                },
            },
            run: async (wire) => {
                await wire.open();
                equal(await wire.call('test_elicitation_url'), 'User response: action=accept');
            },
        },
        {
            to: '2025-06-18', // before there were pages
            capabilities: { elicitation: {} },
            run: async (wire) => {
                await wire.open();
                const { result, error } = await wire.request('tools/call', { name: 'test_elicitation_url', arguments: {} });
                ok(result?.['isError'] === true || error !== undefined);
                deepEqual(wire.asked, []);
            },
        },
    ],
    'a model is asked that may call tools': [ // M15 L15
        {
            from: '2025-11-25',
            capabilities: { sampling: { tools: {} } },
            answers: {
                'sampling/createMessage': ({ tools, toolChoice }) => {
                    deepEqual([tools[0].name, toolChoice], ['get_weather', { mode: 'auto' }]);
                    const use = { type: 'tool_use', id: 'call-1', name: 'get_weather', input: { city: 'Oslo' } };
                    return { role: 'assistant', content: [use], model: 'mock', stopReason: 'toolUse' };
                },
            },
            run: async (wire) => {
                await wire.open();
                equal(await wire.call('test_sampling_with_tools', { prompt: 'Weather?' }), 'Stopped for: toolUse');
            },
        },
        {
            from: '2025-11-25',
            capabilities: { sampling: {} },
            run: async (wire) => {
                await wire.open();
                const { result, error } = await wire.request('tools/call', { name: 'test_sampling_with_tools', arguments: { prompt: '?' } });
                ok(result?.['isError'] === true || error !== undefined);
            },
        },
    ],
    'a question is asked again until it is answered as it must be': [ // M13 L13, M18 L18
        {
            from: '2025-06-18',
            capabilities: { elicitation: {} },
            answers: { 'elicitation/create': ({ message }) => accept(/colour/.test(message) ? { color: 'blue' } : { name: 'Ada' }) },
            run: async (wire) => {
                await wire.open();
                equal(await wire.call('test_input_required_result_multi_round'), 'Ada likes blue');
                equal(wire.asked.length, 2);
            },
        },
    ],
    'changes are told on the stream of the session': [ // M22 L22
        {
            ...legacy,
            run: async (wire) => {
                await wire.open();
                await wire.stream();
                await wire.call('test_trigger_tool_change');
                await wire.next('notifications/tools/list_changed');
                await wire.call('test_trigger_prompt_change');
                await wire.next('notifications/prompts/list_changed');
                await wire.call('test_trigger_resource_change');
                await wire.next('notifications/resources/list_changed');
            },
        },
        {
            ...modern,
            run: async (wire) => {
                const id = await listen(wire, { promptsListChanged: true });
                await wire.call('test_trigger_tool_change');
                await wire.call('test_trigger_prompt_change');
                const { params } = await wire.next('notifications/prompts/list_changed');
                equal(params._meta['io.modelcontextprotocol/subscriptionId'], id);
                equal(hears(wire, 'notifications/tools/list_changed'), 0); // it did not ask for these
            },
        },
    ],
    'a stream that was cut goes on where it ended': [ // L28
        {
            from: '2025-03-26',
            ...legacy,
            over: 'http',
            run: async (wire) => {
                await wire.open();
                const cut = await wire.stream();
                await wire.call('test_trigger_tool_change');
                await wire.next('notifications/tools/list_changed');
                notDeepEqual(wire.lastEventId, undefined);
                const seen = wire.lastEventId!;
                cut();
                await wire.call('test_trigger_prompt_change');
                await wire.stream({ 'last-event-id': seen });
                await wire.next('notifications/prompts/list_changed');
                equal(hears(wire, 'notifications/tools/list_changed'), 1);
            },
        },
    ],
    'who watches a resource is told of its updates': [ // M23 L23
        {
            ...legacy,
            run: async (wire) => {
                await wire.open();
                await wire.stream();
                deepEqual((await wire.request('resources/subscribe', { uri: watched })).result, {});
                await wire.call('test_trigger_resource_update');
                await wire.next('notifications/resources/updated', ({ uri }) => uri === watched);
                deepEqual((await wire.request('resources/unsubscribe', { uri: watched })).result, {});
                await wire.call('test_trigger_resource_update');
                await wire.call('test_trigger_tool_change');
                await wire.next('notifications/tools/list_changed');
                equal(hears(wire, 'notifications/resources/updated'), 1);
            },
        },
        {
            ...modern,
            run: async (wire) => {
                await listen(wire, { resourceSubscriptions: [watched] });
                await wire.call('test_trigger_resource_update', { uri: 'test://static-text' });
                await wire.call('test_trigger_resource_update');
                await wire.next('notifications/resources/updated', ({ uri }) => uri === watched);
                equal(hears(wire, 'notifications/resources/updated'), 1);
            },
        },
    ],
    'who follows a task is told how it is': [
        {
            ...modern,
            capabilities: tasks,
            lacks: /bridged/, // what legacy servers call tasks is another thing
            run: async (wire) => {
                const { result } = await wire.request('tools/call', { name: 'slow_compute', arguments: { seconds: 1, label: 'all' } });
                const { resultType, taskId } = result!;
                equal(resultType, 'task');
                await listen(wire, { taskIds: [taskId] });
                await wire.next('notifications/tasks', ({ status }) => status === 'working'); // how it is now
                const { params } = await wire.next('notifications/tasks', ({ status }) => status === 'completed');
                equal(params.taskId, taskId);
                const got = await wire.request('tasks/get', { taskId });
                equal(got.result!['result'].content[0].text, 'Computed all');
            },
        },
    ],
    'who made a task is told how it is': [ // L29
        {
            from: '2025-11-25',
            ...legacy,
            lacks: /^(?!bridged)/,
            run: async (wire) => {
                await wire.open();
                await wire.stream();
                const { result } = await wire.request('tools/call', { name: 'slow_compute', arguments: { seconds: 1, label: 'all' }, task: {} });
                const { taskId } = result!['task'];
                await wire.next('notifications/tasks/status', (task) => task['taskId'] === taskId && task['status'] === 'completed');
            },
        },
    ],
    'a call is made as a task by who knows what that is': [ // L29
        {
            from: '2025-11-25',
            ...legacy,
            capabilities: { elicitation: {} },
            answers: { 'elicitation/create': () => accept({ confirm: true, name: 'Ada' }) },
            lacks: /^(?!bridged)/, // the test server makes tasks of the extension
            run: async (wire) => {
                const tool = async (name: string, given: Message = {}) => (await wire.request('tools/call', { name, arguments: given, task: { ttl: 60000 } })).result!['task'];
                const came = async ({ taskId }: Message) => await wire.request('tasks/result', { taskId });
                const related = 'io.modelcontextprotocol/related-task';

                deepEqual((await wire.open())['capabilities'].tasks, { cancel: {}, requests: { tools: { call: {} } } });
                for (const { execution } of (await wire.request('tools/list')).result!['tools']) equal(execution.taskSupport, 'optional');

                const slow = await tool('slow_compute', { seconds: 0.5, label: 'all' });
                equal(slow.status, 'working');
                equal((await wire.request('tasks/get', { taskId: slow.taskId })).result!['status'], 'working');
                const { result } = await came(slow);
                deepEqual([result!['content'][0].text, result!['_meta'][related]], ['Computed all', { taskId: slow.taskId }]);
                equal((await wire.request('tasks/get', { taskId: slow.taskId })).result!['status'], 'completed');

                equal((await came(await tool('confirm_delete', { filename: 'a.txt' }))).result!['content'][0].text, 'Deleted a.txt');
                equal((await came(await tool('multi_input'))).result!['content'][0].text, 'Ada and Ada');
                equal((await came(await tool('test_tool_with_task'))).result!['content'][0].text, 'Hello, Ada!');
                deepEqual(new Set(wire.got.filter(({ method }) => method === 'elicitation/create').map(({ params }) => related in (params._meta ?? {}))), new Set([true, false])); // the last was asked before it was a task
                equal((await came(await tool('protocol_error_job'))).error!['code'], 4001);
                equal((await came(await tool('failing_job'))).result!['isError'], true);

                const greeted = await tool('greet', { name: 'Ada' }); // which takes no time
                deepEqual([greeted.status, (await came(greeted)).result!['content'][0].text], ['completed', 'Hello, Ada!']);

                const { taskId } = await tool('slow_compute', { seconds: 3600, label: 'never' });
                equal((await wire.request('tasks/cancel', { taskId })).result!['status'], 'cancelled');
                for (const over of [taskId, greeted.taskId, 'nowhere']) equal((await wire.request('tasks/cancel', { taskId: over })).error!['code'], -32602);
            },
        },
    ],
    'a tool that is nothing but a task is called by who knows none': [ // L29
        {
            ...legacy,
            lacks: /^(?!bridged)/,
            run: async (wire) => {
                await wire.open();
                match(await wire.call('failing_job'), /This job always fails/); // it is nothing but a task, and the client sees none
            },
        },
    ],
    'what is a task elsewhere is a call that waits for who follows none': [ // M29 L29
        {
            run: async (wire) => {
                await wire.open();
                equal(await wire.call('slow_compute', { seconds: 0.1, label: 'all' }), 'Computed all');
            },
        },
    ],
    'logs are heard from the level on that was asked for': [ // M12 L12
        {
            ...legacy,
            run: async (wire) => {
                await wire.open();
                deepEqual((await wire.request('logging/setLevel', { level: 'warning' })).result, {});
                await wire.call('test_logging_tool');
                equal(hears(wire, 'notifications/message'), 0);
                equal((await wire.request('logging/setLevel', { level: 'loud' })).error!['code'], -32602);
                await wire.request('logging/setLevel', { level: 'info' });
                await wire.call('test_logging_tool');
                equal((await wire.next('notifications/message'))['params'].level, 'info');
            },
        },
        {
            ...modern,
            run: async (wire) => {
                const call = { name: 'test_logging_tool', arguments: {} };
                await wire.request('tools/call', call);
                await wire.request('tools/call', { ...call, _meta: { 'io.modelcontextprotocol/logLevel': 'warning' } });
                equal(hears(wire, 'notifications/message'), 0);
                await wire.request('tools/call', { ...call, _meta: { 'io.modelcontextprotocol/logLevel': 'debug' } });
                equal(hears(wire, 'notifications/message'), 1);
            },
        },
    ],
    'arguments that do not fit are told in words': [
        {
            run: async (wire) => {
                await wire.open();
                const { result, error } = await wire.request('tools/call', { name: 'greet', arguments: { name: 7 } });
                if (wire.revision >= '2025-11-25') equal(result!['isError'], true);
                match(JSON.stringify(result ?? error), /name/);
            },
        },
    ],
    'a resource that is not there has the error of its revision': [ // M25 L25
        {
            run: async (wire) => {
                await wire.open();
                const { error } = await wire.request('resources/read', { uri: 'test://nowhere' });
                equal(error!['code'], wire.revision >= '2026' ? -32602 : -32002);
                equal(error!['data'].uri, 'test://nowhere');
            },
        },
    ],
    'arguments are completed': [ // M8 L8
        {
            run: async (wire) => {
                await wire.open();
                const complete = async (ref: Message, name: string, value: string) =>
                    (await wire.request('completion/complete', { ref, argument: { name, value } })).result!['completion'].values;
                deepEqual(await complete({ type: 'ref/prompt', name: 'test_prompt_with_arguments' }, 'arg1', 'test'), ['test', 'testing']);
                deepEqual(await complete({ type: 'ref/resource', uri: 'test://template/{id}/data' }, 'id', ''), ['123', '456']);
            },
        },
    ],
};

type Way = { name: string; client: 'http' | 'stdio'; from: string; to: string; place: (args: string[]) => Promise<Place> };

/** The ways to the server, each with one server for all cases of the same arguments: they are neighbours on it. */
async function ways(t: TestContext): Promise<Way[]> {
    const several = [...new Set(Object.values(cases).flat().map(({ args = [] }) => args.join(' ')))]; // prettier-ignore
    const direct = new Map<string, string>();
    const servers: Record<string, unknown> = {};

    for (const [at, key] of several.entries())
        for (const era of ['both', 'legacy', 'modern']) {
            const args = ['--era', era, ...key.split(' ').filter(Boolean)];
            const server = run(t, program, args);
            const url = await until('the URL of conformance-server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);
            if (era === 'both') direct.set(key, url);
            servers[`${era}-http${at}`] = { url };
            servers[`${era}-stdio${at}`] = { command: program, args: ['--stdio', ...args] };
        }
    const gatehouse = await house(t, servers, { GATEHOUSE_STDIO_SHARED_MAX: '50' }); // a child for each revision and set of capabilities
    const registered = (kind: string) => async (args: string[]) => ({ url: gatehouse.url(`${kind}${several.indexOf(args.join(' '))}`) });

    return [
        { name: 'HTTP', client: 'http', ...any, place: async (args) => ({ url: direct.get(args.join(' '))! }) },
        { name: 'stdio', client: 'stdio', ...any, place: async (args) => ({ command: program, args: ['--stdio', ...args] }) },
        { name: 'Gatehouse, HTTP', client: 'http', ...any, place: registered('both-http') },
        { name: 'Gatehouse, stdio', client: 'http', ...any, place: registered('both-stdio') },
        ...['HTTP', 'stdio'].flatMap((over) => [
            { name: `bridged, ${over}`, client: 'http' as const, from: '', ...legacy, place: registered(`modern-${over.toLowerCase()}`) },
            { name: `bridged, ${over}`, client: 'http' as const, ...modern, to: '9', place: registered(`legacy-${over.toLowerCase()}`) },
        ]),
    ];
}

/** A row a behaviour, a column a revision: the ways on which it was seen. */
function table(seen: Map<string, Map<string, string[]>>): string {
    const row = (cells: string[]) => `| ${cells.join(' | ')} |\n`;

    return (
        row(['behaviour', ...revisions]) +
        row(['---', ...revisions.map(() => '---')]) +
        [...seen].map(([name, by]) => row([name, ...revisions.map((revision) => by.get(revision)?.join('; ') ?? '')])).join('')
    );
}

test('beyond the official suite', { timeout: 600000 }, async (t) => {
    const seen = new Map<string, Map<string, string[]>>();
    const all = await ways(t);

    for (const [name, variants] of Object.entries(cases)) {
        const by = new Map<string, string[]>();
        seen.set(name, by);
        for (const { from = '', to = '9', over, capabilities, answers, args = [], lacks, run: play } of variants)
            for (const revision of revisions.filter((each) => each >= from && each <= to))
                for (const way of all.filter((each) => (over === undefined || over === each.client) && revision >= each.from && revision <= each.to && !lacks?.test(each.name)))
                    await t.test(`${name}: ${revision} over ${way.name}`, { timeout: 60000 }, async (own) => {
                        const wire = new Wire(own, await way.place(args), revision, capabilities, answers);
                        await play(wire);
                        deepEqual(wire.wrong, []);
                        by.set(revision, [...new Set([...(by.get(revision) ?? []), way.name])]);
                    });
    }
    await t.test('the page says what was seen', () => keepPage('beyond', table(seen)));
});
