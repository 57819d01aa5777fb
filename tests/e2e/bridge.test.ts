// Bridging as one end sees it that says exactly what a case needs, with the test server of the other era behind Gatehouse; and what is
// not bridged: bytes of one era pass as they are. A name begins with the cells of docs/bridging.md that the test shows.

import { deepEqual, equal, match, notEqual, ok } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../conformance/schemas.ts';
import { Wire } from '../conformance/wire.ts';
import type { Answers } from '../conformance/wire.ts';
import { atEnd, built, house, raw, run, until, upstream } from './harness.ts';
import type { House } from './harness.ts';

const program = built('conformance-server');
const MODERN = '2026-07-28';
const legacy = ['2025-06-18', '2025-11-25'];
const everything = { roots: {}, sampling: {}, elicitation: { form: {}, url: {} } };

const model = (): Message => ({ role: 'assistant', content: { type: 'text', text: 'Hi' }, model: 'mock' });
const answers: Answers = {
    'elicitation/create': () => ({ action: 'accept', content: { name: 'Ada', username: 'ada', color: 'blue', ok: true } }),
    'sampling/createMessage': model,
    'roots/list': () => ({ roots: [{ uri: 'file:///somewhere' }] }),
};

/** A Gatehouse before servers of one era, over HTTP and as a child: `http` and `stdio`. */
async function before(t: TestContext, era: 'legacy' | 'modern', env: Record<string, string> = {}, ...more: string[]): Promise<House> {
    const args = ['--era', era, ...more];
    const server = run(t, program, args);
    const url = await until('the URL of conformance-server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);
    return await house(t, { http: { url }, stdio: { command: program, args: ['--stdio', ...args] } }, env);
}

const both = ['http', 'stdio'] as const;
const modern = (t: TestContext, gatehouse: House, over: string, capabilities: Message = everything) =>
    new Wire(t, { url: gatehouse.url(over) }, MODERN, capabilities, answers);
const tool = (name: string, given: Message = {}) => ({ name, arguments: given });

test('M17 several questions of a legacy server go together, once it is quiet', { timeout: 60000 }, async (t) => {
    const gatehouse = await before(t, 'legacy');
    for (const over of both) {
        const wire = modern(t, gatehouse, over);
        const { result } = await wire.once('tools/call', tool('test_input_required_result_multiple_inputs'));
        const asked = Object.values<Message>(result!['inputRequests']).map(({ method }) => method);

        equal(result!['resultType'], 'input_required');
        deepEqual(asked.sort(), ['elicitation/create', 'roots/list', 'sampling/createMessage']);
        equal(await wire.call('test_input_required_result_multiple_inputs'), 'Hi, Ada: 1 roots');
        equal(await wire.call('test_input_required_result_multi_round'), 'Ada likes blue');
        deepEqual(wire.wrong, []);
    }
});

/** Calls, is asked, and knows how to come back. */
async function asked(wire: Wire, call: Message) {
    const { result } = await wire.once('tools/call', call);
    const [key] = Object.keys(result!['inputRequests']);
    const inputResponses = { [key!]: { action: 'accept', content: { username: 'ada' } } };
    return { key: key!, state: String(result!['requestState']), back: { ...call, inputResponses, requestState: result!['requestState'] } };
}

test('M18 an answer may come again: the server is asked once, and says once what came of it', { timeout: 60000 }, async (t) => {
    const gatehouse = await before(t, 'legacy');
    for (const over of both) {
        const wire = modern(t, gatehouse, over);
        const { back } = await asked(wire, tool('test_elicitation', { message: 'Who?' }));
        const [one, two] = await Promise.all([wire.once('tools/call', back), wire.once('tools/call', back)]);
        const three = await wire.once('tools/call', back);

        match(one.result!['content'][0].text, /"username":"ada"/);
        deepEqual(two.result, one.result);
        deepEqual(three.result, one.result);
        deepEqual(wire.wrong, []);
    }
});

test('M18 who comes back without an answer is asked once more', { timeout: 60000 }, async (t) => {
    const gatehouse = await before(t, 'legacy');
    for (const over of both) {
        const wire = modern(t, gatehouse, over);
        const { back, key } = await asked(wire, tool('test_elicitation', { message: 'Who?' }));
        const again = await wire.once('tools/call', { ...back, inputResponses: {} });

        equal(again.result!['resultType'], 'input_required');
        deepEqual(Object.keys(again.result!['inputRequests']), [key]);
        const { result } = await wire.once('tools/call', { ...back, requestState: again.result!['requestState'] });
        match(result!['content'][0].text, /"username":"ada"/);
    }
});

test('M19 a state that is wrong, foreign, old, or of another request is refused, and its call goes on waiting', { timeout: 60000 }, async (t) => {
    const gatehouse = await before(t, 'legacy', { GATEHOUSE_BRIDGE_WAIT: '4s' });
    for (const over of both) {
        const wire = modern(t, gatehouse, over);
        const other = modern(t, gatehouse, over === 'http' ? 'stdio' : 'http');
        const { back, state } = await asked(wire, tool('test_elicitation', { message: 'Who?' }));
        const changed = state.slice(0, -2) + (state.endsWith('AA') ? 'BB' : 'AA');
        const wrong: Message[] = [
            ...['', 'x', changed, state.slice(0, 40), `${state}A`].map((requestState) => ({ ...back, requestState })),
            { ...back, arguments: { message: 'Who else?' } },
            { ...back, name: 'test_elicitation_sep1034_defaults' },
        ];
        for (const params of wrong) equal((await wire.once('tools/call', params)).error?.['code'], -32602, JSON.stringify(params).slice(0, 200));
        equal((await other.once('tools/call', back)).error?.['code'], -32602, 'of another server');
        match((await wire.once('tools/call', back)).result!['content'][0].text, /"username":"ada"/);

        const late = await asked(wire, tool('test_elicitation', { message: 'When?' }));
        await sleep(5500);
        equal((await wire.once('tools/call', late.back)).error?.['code'], -32602);
        deepEqual(wire.wrong, []);
    }
});

test('L19 an answer that comes twice, or to a question of another session, is nothing', { timeout: 60000 }, async (t) => {
    const gatehouse = await before(t, 'modern');
    for (const over of both) {
        const sessions = await Promise.all(
            ['ada', 'bob'].map(async (username) => {
                const wire = new Wire(t, { url: gatehouse.url(over) }, '2025-11-25', everything, { 'elicitation/create': () => ({ action: 'decline' }) });
                await wire.open();
                return { wire, username };
            }),
        );
        const questions: Message[] = [];
        for (const { wire } of sessions) wire.answerLater(questions);
        const calls = sessions.map(({ wire }) => wire.call('test_elicitation', { message: 'Who?' }));
        await until('both questions', 10000, () => questions.length === 2);
        const reply = (wire: Wire, id: unknown, username: string) =>
            wire.send({ jsonrpc: '2.0', id, result: { action: 'accept', content: { username } } }, {});
        const [ada, bob] = sessions.map(({ wire }) => ({ wire, id: questions.find(({ of }) => of === wire)!['id'] }));

        if (ada!.id !== bob!.id) await reply(bob!.wire, ada!.id, 'mallory');
        await reply(ada!.wire, ada!.id, 'ada');
        await reply(ada!.wire, ada!.id, 'twice');
        await reply(bob!.wire, bob!.id, 'bob');
        const said = await Promise.all(calls);
        match(said[0]!, /"username":"ada"/);
        match(said[1]!, /"username":"bob"/);
    }
});

test('M28 a call whose stream the server ended early is taken up again', { timeout: 60000 }, async (t) => {
    const gatehouse = await before(t, 'legacy');
    for (const over of both) equal(await modern(t, gatehouse, over).call('test_reconnection'), 'The answer came after its stream had ended.');
});

test('M8 L8 prompts are listed, got and completed', { timeout: 60000 }, async (t) => {
    for (const [era, revisions] of [['legacy', [MODERN]], ['modern', legacy]] as const) {
        const gatehouse = await before(t, era);
        for (const over of both)
            for (const revision of revisions) {
                const wire = new Wire(t, { url: gatehouse.url(over) }, revision, everything, answers);
                await wire.open();
                equal((await wire.request('prompts/list')).result!['prompts'].length, 5);
                const got = await wire.request('prompts/get', { name: 'test_prompt_with_arguments', arguments: { arg1: 'a', arg2: 'b' } });
                equal(got.result!['messages'][0].content.text, "Prompt with arguments: arg1='a', arg2='b'");
                const ref = { type: 'ref/resource', uri: 'test://template/{id}/data' };
                const completed = await wire.request('completion/complete', { ref, argument: { name: 'id', value: '' } });
                deepEqual(completed.result!['completion'].values, ['123', '456']);
                deepEqual(wire.wrong, []);
            }
    }
});

/** A legacy server that sends its clients to a page before it does anything: 2025-11-25, error -32042. */
async function gated(t: TestContext): Promise<string> {
    let calls = 0;
    return await upstream(t, (incoming, answer, body) => {
        const message = body === '' ? {} : JSON.parse(body);
        const reply = (said: Message, status = 200) => {
            answer.writeHead(status, { 'content-type': 'application/json', 'mcp-session-id': 'one' });
            answer.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...said }));
        };
        if (incoming.method !== 'POST') return void answer.writeHead(405).end();
        if (message.method === 'initialize')
            return reply({ result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'gated', version: '1' } } });
        if (incoming.headers['mcp-session-id'] === undefined) return reply({ error: { code: -32000, message: 'no session' } }, 400);
        if (message.id === undefined) return void answer.writeHead(202).end();
        if (message.method !== 'tools/call') return reply({ result: {} });
        if (++calls % 2 === 0) return reply({ result: { content: [{ type: 'text', text: 'in' }] } });
        const elicitations = [{ mode: 'url', elicitationId: 'e-1', url: 'https://example.com/gate', message: 'Sign in.' }];
        reply({ error: { code: -32042, message: 'Sign in first', data: { elicitations } } });
    });
}

test('M14 a page that must be visited first is asked for, and the call made again', { timeout: 60000 }, async (t) => {
    const gatehouse = await house(t, { gated: { url: await gated(t) } });
    const pages: string[] = [];
    const visit = { 'elicitation/create': ({ url }: Message) => (pages.push(url), { action: 'accept' }) };
    const wire = new Wire(t, { url: gatehouse.url('gated') }, MODERN, everything, visit);
    const cannot = new Wire(t, { url: gatehouse.url('gated') }, MODERN, {});

    equal(await wire.call('enter'), 'in');
    deepEqual(pages, ['https://example.com/gate']);
    deepEqual(wire.wrong, []);
    ok((await cannot.once('tools/call', tool('enter'))).error !== undefined);
});

test('M2 clients of other capabilities are other clients to a legacy server', { timeout: 60000 }, async (t) => {
    const gatehouse = await before(t, 'legacy');
    const can = [
        [{ sampling: {} }, 'Asked the model'],
        [{ elicitation: {} }, 'Asked the person'],
        [{}, 'Asked nobody'],
        [everything, 'Asked both'],
    ] as const;

    for (const over of both)
        await Promise.all(can.map(async ([capabilities, said]) => equal(await modern(t, gatehouse, over, capabilities).call('test_input_required_result_capabilities'), said)));
});

test('M1 L1 a child of the other era may take longer to start than an answer may be silent', { timeout: 60000 }, async (t) => {
    const slow = (era: string) => ({ command: '/bin/sh', args: ['-c', `sleep 6; exec ${program} --stdio --era ${era}`] });
    const gatehouse = await house(t, { elder: slow('legacy'), young: slow('modern') });
    const [ada, bob] = [modern(t, gatehouse, 'elder'), new Wire(t, { url: gatehouse.url('young') }, '2025-11-25', everything, answers)];

    await Promise.all([ada.request('server/discover'), bob.open()]);
    for (const wire of [ada, bob]) {
        equal(await wire.call('test_simple_text'), 'This is a simple text response for testing.');
        deepEqual(wire.wrong, []);
    }
});

// One era: bytes pass as they are ---------------------------------------------------------------------------------------

/** What a parser would write otherwise: blanks, an order, escapes, numbers, a member twice. */
const odd = (begin: string) => `{ "jsonrpc" :"2.0",${begin},"params":{"name":"odd","arguments":{"z":1.0,"a":1e3,"big":12345678901234567890,"u":"\\u00e9\\/","é":null}%META%}  }`;
const oddAnswer = (id: string) => `{ "id":${id} ,"jsonrpc":"2.0", "result" : {"content":[ ],"z":0.10,"big":98765432109876543210,"u":"\\u20ac"%TYPE%} }`;
const metaOf = (revision: string) =>
    revision === MODERN ? `,"_meta":{ "io.modelcontextprotocol/protocolVersion":"${MODERN}","io.modelcontextprotocol/clientCapabilities":{ }}` : '';
const typeOf = (revision: string) => (revision === MODERN ? ',"resultType": "complete"' : '');

type Heard = { got: string[]; url: string };

/** Answers every call with the same bytes, as JSON or as an event. */
async function echoing(t: TestContext, revision: string, asEvent: boolean): Promise<Heard> {
    const heard: Heard = { got: [], url: '' };

    heard.url = await upstream(t, (incoming, answer, body) => {
        const said = body === '' ? {} : JSON.parse(body);
        if (incoming.method !== 'POST') return void answer.writeHead(405).end();
        if (said.method === 'initialize') {
            const result = { protocolVersion: said.params.protocolVersion, capabilities: { tools: {} }, serverInfo: { name: 'odd', version: '1' } };
            answer.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': 'one' });
            return void answer.end(JSON.stringify({ jsonrpc: '2.0', id: said.id, result }));
        }
        if (said.id === undefined) return void answer.writeHead(202).end();
        heard.got.push(body);
        const text = oddAnswer('"seven"').replace('%TYPE%', typeOf(revision));
        answer.writeHead(200, { 'content-type': asEvent ? 'text/event-stream' : 'application/json' });
        answer.end(asEvent ? `event: message\nid: a-1\ndata: ${text}\n\n` : text);
    });
    return heard;
}

const fieldsOf = (revision: string): Record<string, string> =>
    revision === MODERN ? { 'mcp-protocol-version': MODERN, 'mcp-method': 'tools/call', 'mcp-name': 'odd' } : { 'mcp-protocol-version': revision, 'mcp-session-id': 'one' };

for (const revision of ['2025-03-26', '2025-06-18', '2025-11-25', MODERN])
    for (const asEvent of [false, true])
        test(`of one era, ${revision}, bytes pass untouched over HTTP, as ${asEvent ? 'an event' : 'JSON'}`, { timeout: 60000 }, async (t) => {
            const heard = await echoing(t, revision, asEvent);
            const gatehouse = await house(t, { odd: { url: heard.url } });
            const body = odd('"method":"tools/call","id":"seven"').replace('%META%', metaOf(revision));
            const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...fieldsOf(revision) };
            const hello = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'odd', version: '1' } };

            const { 'mcp-session-id': _, ...first } = headers as Record<string, string>;
            if (revision !== MODERN)
                equal((await raw(gatehouse.url('odd'), 'POST', first, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }))).status, 200);
            const { text, status } = await raw(gatehouse.url('odd'), 'POST', headers, body);
            const answer = oddAnswer('"seven"').replace('%TYPE%', typeOf(revision));

            equal(status, 200);
            deepEqual(heard.got, [body]);
            equal(text, asEvent ? `event: message\nid: a-1\ndata: ${answer}\n\n` : answer);
        });

/** A child that keeps what it reads and answers with the same bytes, but for the id, which is the channel's. */
function keeping(t: TestContext, revision: string) {
    const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bridge-'));
    const path = join(folder, `${randomUUID()}.log`);
    const text = `
        const { appendFileSync } = require('node:fs');
        require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
            const { id, method, params } = JSON.parse(line);
            const say = (said) => process.stdout.write(said + '\\n');
            const about = { capabilities: { tools: {} }, serverInfo: { name: 'odd', version: '1' } };
            if (method === 'initialize' && ${revision !== MODERN}) return say(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: params.protocolVersion, ...about } }));
            if (method === 'server/discover' && ${revision === MODERN})
                return say(JSON.stringify({ jsonrpc: '2.0', id, result: { resultType: 'complete', supportedVersions: ['${MODERN}'], ttlMs: 0, cacheScope: 'private', ...about } }));
            if (id === undefined) return;
            if (method !== 'tools/call') return say(JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'no' } }));
            appendFileSync(${JSON.stringify(path)}, line + '\\n');
            say(${JSON.stringify(oddAnswer('%ID%').replace('%TYPE%', typeOf(revision)))}.replace('%ID%', JSON.stringify(id)));
        });`;

    atEnd(t, () => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(path, '');
    return { entry: { command: process.execPath, args: ['-e', text] }, got: () => readFileSync(path, 'utf8') };
}

for (const revision of ['2025-06-18', '2025-11-25', MODERN])
    test(`of one era, ${revision}, all but the id passes untouched to a child and back`, { timeout: 60000 }, async (t) => {
        const child = keeping(t, revision);
        const gatehouse = await house(t, { odd: child.entry });
        const body = odd('"method":"tools/call","id":"seven"').replace('%META%', metaOf(revision));
        const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...fieldsOf(revision) };
        delete headers['mcp-session-id'];

        if (revision !== MODERN) {
            const hello = { protocolVersion: revision, capabilities: {}, clientInfo: { name: 'odd', version: '1' } };
            const opened = await raw(gatehouse.url('odd'), 'POST', headers, JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: hello }));
            headers['mcp-session-id'] = String(opened.headers['mcp-session-id']);
        }
        const { text, status } = await raw(gatehouse.url('odd'), 'POST', headers, body);
        const said = /^data: ?(.*)$/m.exec(text)?.[1] ?? text;
        const [, id] = /"id":("[^"]*"|\d+)/.exec(child.got())!;

        equal(status, 200);
        notEqual(id, undefined);
        equal(child.got(), `${body.replace('"id":"seven"', `"id":${id}`)}\n`);
        equal(said, oddAnswer('"seven"').replace('%TYPE%', typeOf(revision)));
    });
