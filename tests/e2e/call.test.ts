// `gatehouse call`: servers of each transport and era, through the gateway and without it, and a person at a terminal.

import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd, built, descendants, everythingHttp, everythingStdio, finish, house, listensOn, packages, run, script, until, upstream } from './harness.ts';

const limit = { timeout: 120000 };
const everything = [everythingStdio.command, ...everythingStdio.args];
const modern = [built('conformance-server'), '--era', 'modern', '--stdio'];

/** A home where no gateway runs. */
function place(t: TestContext) {
    const path = mkdtempSync(join(tmpdir(), 'gatehouse-call-'));
    const env = { GATEHOUSE_HOME: path, NO_COLOR: '1' };

    atEnd(t, () => rmSync(path, { recursive: true }));
    return {
        path,
        env,
        call: (...words: string[]) => finish(built('gatehouse'), ['call', ...words], 60000, env),
        register: (servers: unknown) => writeFileSync(join(path, 'mcp.json'), JSON.stringify({ mcpServers: servers }), { mode: 0o600 }),
    };
}

const quoted = (word: string) => `'${word.replaceAll("'", `'\\''`)}'`;

/** A person at a terminal, who waits for what is shown before typing. */
function person(t: TestContext, env: Record<string, string>, ...words: string[]) {
    const line = [built('gatehouse'), 'call', ...words].map(quoted).join(' ');
    const terminal = spawn('script', ['-qefc', line, '/dev/null'], { env: { ...process.env, TERM: 'xterm', ...env }, stdio: 'pipe' });
    let shown = '';
    let seen = 0;
    const ended = new Promise<number | null>((resolve) => terminal.on('close', resolve));

    terminal.stdout.on('data', (text) => (shown += text));
    atEnd(t, () => terminal.kill('SIGKILL'));
    return {
        pid: terminal.pid!,
        ended,
        shown: () => shown.replaceAll('\r\n', '\n'),
        sees: async (text: string) => {
            const at = await until(`"${text}" on the terminal, which shows: ${shown.slice(seen)}`, 60000, () => {
                const found = shown.indexOf(text, seen);
                return found >= 0 ? found + 1 : undefined;
            });
            seen = at + text.length - 1;
        },
        types: (text: string) => terminal.stdin.write(text),
    };
}

test('a server is looked at, and a tool called, over each transport and in each era', limit, async (t) => {
    const { call } = place(t);
    const http = await everythingHttp(t);
    const sse = run(t, process.execPath, [join(packages, '@modelcontextprotocol/server-everything/dist/index.js'), 'sse'], { PORT: '0' });
    const port = await until('the port of HTTP+SSE', 20000, () => listensOn(sse.pid));

    for (const [before, behind] of [[[http], []], [[`http://127.0.0.1:${port}/sse`], []], [[], ['--', ...everything]]] as const) {
        const echo = await call(...before, 'echo', 'message=hi there', ...behind);
        equal(echo.stdout, 'Echo: hi there\n', echo.stderr);
        equal(echo.code, 0);
        const around = await call(...before, ...behind);
        match(around.stdout, /speaks 2025-11-25 \(legacy\)/);
        match(around.stdout, /^ +a +a number, needed +First number$/m);
        match(around.stdout, /\n\d+ prompts\n/);
    }
    const server = run(t, modern[0]!, ['--era', 'modern']);
    const url = await until('the URL of a modern server', 20000, () => /http:\S+/.exec(server.stdout)?.[0]);
    for (const [before, behind] of [[[url], []], [[], ['--', ...modern]]] as const) {
        const around = await call(...before, '--json', ...behind);
        const known = JSON.parse(around.stdout);
        deepEqual([known.era, known.revision], ['modern', '2026-07-28']);
        ok(known.tools.length > 10 && known.prompts.length > 0 && known.resources.length > 0);
        match((await call(...before, 'test_simple_text', ...behind)).stdout, /^This is a simple text/);
        match((await call(...before, 'test_tool_with_logging', '--level', 'info', ...behind)).stderr, /^info {2}/m);
        const legacy = await call(...before, '--era', 'legacy', ...behind);
        ok(legacy.code === 1 && legacy.stderr.length > 0, legacy.stdout);
    }
});

test('what the schema does not let in is said, and nothing is called', limit, async (t) => {
    const { call } = place(t);
    const cases: [string[], number, RegExp][] = [
        [['get-sum', 'a=1', 'b=x'], 2, /b is a number, not "x"/],
        [['get-sum', 'a=1'], 2, /get-sum needs b \(a number\)\n {2}get-sum takes:\n/],
        [['get-sum', 'a=1', 'b=2', 'cc=3'], 2, /get-sum takes no "cc"/],
        [['get-structured-content', 'location=Chcago'], 2, /did you mean "Chicago"\?/],
        [['get-sm', 'a=1'], 3, /has no tool "get-sm"; did you mean "get-sum"\?/],
        [['tools/cal', 'a=1'], 1, /-32601[^]*Did you mean "tools\/call"\?/],
    ];

    for (const [words, code, said] of cases) {
        const done = await call(...words, '--', ...everything);
        equal(done.stdout, '');
        match(done.stderr, said);
        equal(done.code, code);
    }
});

test('a result is printed as people read it, or as it came', limit, async (t) => {
    const { call, path } = place(t);
    const plain = await call('get-structured-content', 'location=Chicago', '--check', '--', ...everything);
    const image = await call('get-tiny-image', '--output', join(path, 'logo.png'), '--', ...everything);
    const json = await call('get-sum', 'a=1', 'b=2', '--json', '--', ...everything);
    const read = await call('resources/read', 'demo://resource/static/document/features.md', '--', ...everything);

    equal(JSON.parse(plain.stdout).humidity, 82);
    match(image.stdout, /^image {2}image\/png {2}[\d.]+ kB {2}in .*logo\.png$/m);
    deepEqual(readFileSync(join(path, 'logo.png')).subarray(1, 4).toString(), 'PNG');
    equal(json.stdout, '{"content":[{"type":"text","text":"The sum of 1 and 2 is 3."}]}\n');
    equal(json.stderr, '');
    match(read.stdout, /^# /);
});

test('a name is called through the gateway that runs, and is in the log; without one directly', limit, async (t) => {
    const servers = { everything: everythingStdio };
    const it = await house(t, servers);
    const recorded = await it.command('call', 'everything', 'get-sum', 'a=1', 'b=2');
    const alone = place(t);

    equal(recorded.stdout, 'The sum of 1 and 2 is 3.\n', recorded.stderr);
    equal(recorded.stderr, '');
    await until('the call in the log', 20000, async () => /get-sum/.test((await it.command('logs')).stdout));
    equal((await it.command('logs', '--client', 'gatehouse')).stdout, '', 'the call is in the server\'s era: nothing is bridged');
    match((await it.command('call', 'everything')).stdout, /speaks 2025-11-25 \(legacy\)  through Gatehouse\n/);
    match((await it.command('call', 'everything', '--era', 'modern')).stdout, /through Gatehouse, which bridges: the server speaks 2025-11-25\n/);

    alone.register(servers);
    const direct = await alone.call('everything', 'get-sum', 'a=1', 'b=2');
    equal(direct.stdout, 'The sum of 1 and 2 is 3.\n');
    match(direct.stderr, /No gateway runs: everything is asked directly, and nothing is recorded\./);
    match((await alone.call('snapshots', 'list_snapshots')).stdout, /./); // built in
    const wrong = await alone.call('everythin');
    match(wrong.stderr, /did you mean "everything"\?/);
    equal(wrong.code, 3);
});

test('through the gateway a server of any era and transport is called, and asks at the terminal', limit, async (t) => {
    const http = await everythingHttp(t);
    const [command, ...args] = modern;
    const it = await house(t, { everything: everythingStdio, http: { url: http }, modern: { command, args } });
    const env = { GATEHOUSE_HOME: it.home, NO_COLOR: '1' };

    for (const name of ['everything', 'http']) {
        equal((await it.command('call', name, 'echo', 'message=hi')).stdout, 'Echo: hi\n');
        const ada = person(t, env, name, 'trigger-elicitation-request');
        await ada.sees(`? ${name} asks`);
        await ada.sees('> ');
        ada.types('/decline\n');
        await ada.sees('User declined');
        equal(await ada.ended, 0);
    }
    for (const era of ['legacy', 'modern']) {
        const done = await it.command('call', 'modern', 'test_simple_text', '--era', era);
        match(done.stdout, /^This is a simple text/, done.stderr);
    }
    match((await it.command('call', 'everything')).stdout, /through Gatehouse/);
});

test('what a server asks is asked at the terminal', limit, async (t) => {
    const { env } = place(t);
    const ada = person(t, env, 'trigger-elicitation-request', '--', ...everything);

    await ada.sees('? mcp-servers/everything asks');
    await ada.sees('needed');
    await ada.sees('> ');
    ada.types('\n');
    await ada.sees('it is needed');
    ada.types('Ada\n');
    for (;;) {
        const field = await until('another field', 60000, () => (/Send it\?/.test(ada.shown()) ? 'all' : ada.shown().match(/> $/) && 'one'));
        if (field === 'all') break;
        const before = ada.shown();
        ada.types('\n');
        await until('what comes next', 60000, () => ada.shown().length > before.length + 1 && / > $|> $/.test(ada.shown()));
    }
    await ada.sees('"Ada"');
    await ada.sees('Send it?');
    ada.types('y\n');
    await ada.sees('User provided the requested information');
    equal(await ada.ended, 0);
});

test('a question is declined at the terminal; a model is played, or not', limit, async (t) => {
    const { env } = place(t);
    const form = person(t, env, 'trigger-elicitation-request', '--', ...everything);
    const model = person(t, env, 'trigger-sampling-request', 'prompt=Who?', '--', ...everything);

    await form.sees('> ');
    form.types('/decline\n');
    await form.sees('User declined');
    equal(await form.ended, 0);
    await model.sees('asks a model for a text');
    await model.sees('Who?');
    await model.sees('> ');
    model.types('It is me.\n\n');
    await model.sees('It is me.');
    equal(await model.ended, 0);
});

test('a modern server asks in rounds, a page is shown and not opened', limit, async (t) => {
    const { env } = place(t);
    const ada = person(t, env, 'test_input_required_result_elicitation', '--', ...modern);

    await ada.sees('asks');
    await ada.sees('> ');
    ada.types('Ada\n');
    await ada.sees('Send it?');
    ada.types('\n');
    equal(await ada.ended, 0);
    const page = person(t, env, 'trigger-url-elicitation', 'url=https://example.com/x', '--', ...everything);
    await page.sees('https://example.com/x');
    await page.sees('It is at example.com');
    await page.sees('Agree?');
    page.types('n\n');
    equal(await page.ended, 0);
});

test('without a terminal questions are declined, with words', limit, async (t) => {
    const { call } = place(t);
    const form = await call('trigger-elicitation-request', '--', ...everything);

    match(form.stdout, /User declined/);
    match(form.stderr, /Declined: without a terminal nobody can be asked\./);
    match((await call('get-roots-list', '--roots', '/tmp', '--', ...everything)).stdout, /file:\/\/\/tmp/);
});

test('Ctrl-D puts a form off', limit, async (t) => {
    const { env } = place(t);
    const ada = person(t, env, 'trigger-elicitation-request', '--', ...everything);

    await ada.sees('> ');
    ada.types('\x04');
    await ada.sees('cancelled');
    equal(await ada.ended, 0);
});

test('progress moves on a terminal, and a pipe has none of it', limit, async (t) => {
    const { env, call } = place(t);
    const words = ['trigger-long-running-operation', 'duration=2', 'steps=4', '--', ...everything];
    const piped = await call(...words);
    const ada = person(t, env, ...words);

    equal(piped.stderr, '');
    match(piped.stdout, /^Long running operation completed\. .*\n$/);
    await ada.sees('2 of 4  50 %');
    await ada.sees('completed');
    equal(await ada.ended, 0);
});

test('Ctrl-C cancels the call at the server, and ends all of it', limit, async (t) => {
    const { env, path } = place(t);
    const told = join(path, 'told');
    const server = script(`const fs = require('fs'); let rest = '';
        const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
        process.stdin.on('data', (text) => { rest += text; let end;
            while ((end = rest.indexOf('\\n')) >= 0) { const m = JSON.parse(rest.slice(0, end)); rest = rest.slice(end + 1);
                if (m.method === 'initialize') say({ id: m.id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'slow', version: '1' } } });
                else if (m.method === 'tools/list') say({ id: m.id, result: { tools: [{ name: 'wait', inputSchema: { type: 'object' } }] } });
                else if (m.method === 'tools/call') fs.writeFileSync(${JSON.stringify(told)}, 'called');
                else if (m.method === 'notifications/cancelled') fs.writeFileSync(${JSON.stringify(told)}, 'cancelled'); } });`);
    const ada = person(t, env, 'wait', '--', server.command, ...server.args);

    await until('the call', 60000, () => existsSync(told) && readFileSync(told, 'utf8') === 'called');
    const below = descendants(ada.pid);
    ada.types('\x03');
    equal(await ada.ended, 130);
    equal(readFileSync(told, 'utf8'), 'cancelled');
    ok(below.length > 0);
});

test('what becomes a task is waited for, and asks at the terminal', limit, async (t) => {
    const { call, env } = place(t);
    const failed = await call('failing_job', '--', ...modern);
    const refused = await call('protocol_error_job', '--', ...modern);
    const ada = person(t, env, 'confirm_delete', 'filename=a.txt', '--', ...modern);

    equal((await call('slow_compute', 'seconds=0.3', 'label=all', '--', ...modern)).stdout, 'Computed all\n');
    equal((await call('slow_compute', 'seconds=0.3', 'label=all', '--json', '--', ...modern)).stdout.includes('taskId'), false);
    deepEqual([failed.stdout, failed.code], ['This job always fails\n', 1]);
    match(refused.stderr, /4001/);
    equal(refused.code, 1);
    await ada.sees('Delete a.txt?');
    await ada.sees('> ');
    ada.types('y\n');
    await ada.sees('Send it?');
    ada.types('\n');
    await ada.sees('Deleted a.txt');
    equal(await ada.ended, 0);
});

/** A server of either era whose only tool is a task that never ends; it writes the last that it was told of it. */
function endless(told: string, isModern: boolean) {
    const task = { taskId: 'one', status: 'working', createdAt: '2026-11-22T00:00:00Z', lastUpdatedAt: '2026-11-22T00:00:00Z' };
    const tools = [{ name: 'wait', inputSchema: { type: 'object' }, ...(!isModern && { execution: { taskSupport: 'required' } }) }];
    const legacy = { tools: {}, tasks: { cancel: {}, requests: { tools: { call: {} } } } };
    const answers = {
        ...(isModern && { 'server/discover': { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: { tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } } } }),
        ...(!isModern && { initialize: { protocolVersion: '2025-11-25', capabilities: legacy, serverInfo: { name: 'slow', version: '1' } } }),
        'tools/list': { tools },
        'tools/call': isModern ? { resultType: 'task', ...task, ttlMs: null, pollIntervalMs: 100 } : { task: { ...task, ttl: null } },
        'tasks/get': { ...task, statusMessage: 'hot', ttlMs: null },
        'tasks/cancel': { ...task, status: 'cancelled', ttl: null },
    };
    return script(`const fs = require('fs'), answers = ${JSON.stringify(answers)}; let rest = '';
        const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
        process.stdin.on('data', (text) => { rest += text; let end;
            while ((end = rest.indexOf('\\n')) >= 0) { const m = JSON.parse(rest.slice(0, end)); rest = rest.slice(end + 1);
                if (m.method.startsWith('tasks/')) fs.writeFileSync(${JSON.stringify(told)}, m.method + ' ' + m.params.taskId);
                if (m.method === 'tasks/result') say({ method: 'notifications/tasks/status', params: { ...answers['tasks/get'], ttl: null } });
                else if (answers[m.method]) say({ id: m.id, result: answers[m.method] });
                else if (m.id !== undefined) say({ id: m.id, error: { code: -32601, message: 'Method not found' } }); } });`);
}

for (const era of ['modern', 'legacy'])
    test(`how a task of the ${era} era is stands on the terminal, and Ctrl-C cancels it`, limit, async (t) => {
        const { env, path } = place(t);
        const told = join(path, 'told');
        const server = endless(told, era === 'modern');
        const ada = person(t, env, 'wait', '--', server.command, ...server.args);

        await ada.sees('hot');
        ada.types('\x03');
        equal(await ada.ended, 130);
        equal(readFileSync(told, 'utf8'), 'tasks/cancel one');
    });

test('a server that is not there, wants a login, or dies, is said in words', limit, async (t) => {
    const { call } = place(t);
    const locked = await upstream(t, (_, answer) => void answer.writeHead(401).end());
    const gone = await call('http://127.0.0.1:1/mcp');
    const login = await call(locked);
    const dead = await call('--', process.execPath, '-e', 'console.error("no database"); process.exit(3)');
    const none = await call('--', '/no/such/command');

    match(gone.stderr, /connection refused/);
    equal(gone.code, 1);
    match(login.stderr, /wants a login \(401\)\n {2}With a token: .*--header 'Authorization:Bearer/);
    equal(login.code, 4);
    match(dead.stderr, /exited with status 3\n[^]*no database/);
    equal(dead.code, 1);
    match(none.stderr, /could not be started/);
});

test('the shell completes tools without starting a command', limit, async (t) => {
    const it = await house(t, { everything: everythingStdio, files: { command: 'touch', args: [join(tmpdir(), 'never-started')] } });
    const bash = (...words: string[]) =>
        finish('bash', ['-c', `source <(gatehouse completion bash); COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _gatehouse; printf '%s\\n' "\${COMPREPLY[@]}"`, 'bash', ...words], 60000, {
            GATEHOUSE_HOME: it.home,
            PATH: `${dirname(built('gatehouse'))}:${process.env['PATH']}`,
        });

    match((await bash('gatehouse', 'call', 'every')).stdout, /^everything\n$/);
    equal((await bash('gatehouse', 'call', 'everything', 'get-s')).stdout.trim(), ''); // its child does not run
    equal(descendants(it.pid).length, 0);
    await it.command('call', 'everything', 'get-sum', 'a=1', 'b=2');
    match((await bash('gatehouse', 'call', 'everything', 'get-s')).stdout, /^get-structured-content\nget-sum\n/);
    equal((await bash('gatehouse', 'call', 'everything', 'get-sum', '')).stdout, 'a=\nb=\n');
    match((await bash('gatehouse', 'call', 'files', 'tools/')).stdout, /^tools\/call\ntools\/list\n$/);
    equal(existsSync(join(tmpdir(), 'never-started')), false);
});
