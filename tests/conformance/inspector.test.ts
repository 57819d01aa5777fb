// The Inspector's command line does all it can do with the test server: in both eras, over HTTP and on stdio.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { atEnd, finish, packages } from '../e2e/harness.ts';
import { serverOnStdio, serverOverHttp } from './peers.ts';
import type { Message } from './schemas.ts';
import type { Place } from './wire.ts';

const program = join(packages, '@modelcontextprotocol/inspector/clients/launcher/build/index.js');

type Inspect = (method: string, ...more: string[]) => Promise<Message>;

const tool = (name: string, ...given: string[]) => ['--tool-name', name, ...given.flatMap((each) => ['--tool-arg', each])];

// Each question is a process of its own that takes a second: what the transport cannot change is asked over HTTP only.
const cases: Record<string, { over?: 'HTTP'; run: (inspect: Inspect, isModern: boolean) => Promise<void> }> = {
    'lists tools, none of which it finds wrong': {
        run: async (inspect) => {
            const { tools } = await inspect('tools/list', '--strict');
            ok(tools.length > 30);
            equal(tools[0].name, 'test_simple_text');
        },
    },
    'calls a tool': {
        run: async (inspect) => {
            const { content } = await inspect('tools/call', ...tool('greet', 'name=Ada'));
            deepEqual(content, [{ type: 'text', text: 'Hello, Ada!' }]);
        },
    },
    'waits for a call that says how far it is': {
        over: 'HTTP',
        run: async (inspect) => {
            const { content } = await inspect('tools/call', ...tool('slow_compute', 'seconds=0.1', 'label=all'));
            equal(content[0].text, 'Computed all');
        },
    },
    'gets several kinds of content': {
        over: 'HTTP',
        run: async (inspect) => {
            const { content } = await inspect('tools/call', ...tool('test_multiple_content_types'));
            deepEqual(content.map(({ type }: Message) => type), ['text', 'image', 'resource']); // prettier-ignore
        },
    },
    'says an argument in a header too': {
        over: 'HTTP',
        run: async (inspect) => {
            const { content } = await inspect('tools/call', ...tool('test_x_mcp_header', 'region=Østfold'));
            equal(content[0].text, 'Region: Østfold');
        },
    },
    'reads a resource': {
        run: async (inspect) => {
            equal((await inspect('resources/read', '--uri', 'test://template/7/data')).contents[0].mimeType, 'application/json');
        },
    },
    'lists resources, templates and prompts': {
        over: 'HTTP',
        run: async (inspect) => {
            equal((await inspect('resources/list')).resources.length, 3);
            equal((await inspect('resources/templates/list')).resourceTemplates[0].uriTemplate, 'test://template/{id}/data');
            equal((await inspect('prompts/list')).prompts.length, 5);
        },
    },
    'gets a prompt': {
        run: async (inspect) => {
            const args = ['--prompt-name', 'test_prompt_with_arguments', '--prompt-args', 'arg1=a', 'arg2=b'];
            equal((await inspect('prompts/get', ...args)).messages[0].content.text, "Prompt with arguments: arg1='a', arg2='b'");
        },
    },
    'sets the level of the log, where there is one': {
        run: async (inspect, isModern) => {
            if (!isModern) await inspect('logging/setLevel', '--log-level', 'debug');
        },
    },
    'calls one tool two hundred times': {
        over: 'HTTP',
        run: async (inspect) => {
            const load = await inspect('tools/call', ...tool('greet', 'name=Ada'), '--load', '--load-requests', '200', '--load-concurrency', '4');
            deepEqual([load['requests'], load['ok']], [200, 200], JSON.stringify(load));
        },
    },
};

test('the Inspector and the test server', { timeout: 300000, concurrency: 3 }, async (t) => {
    const url = await serverOverHttp(t);
    const home = mkdtempSync(join(tmpdir(), 'gatehouse-inspector-'));
    const stdio = serverOnStdio() as Place & { command: string; args: string[] };
    const ways = { HTTP: [[url], []], stdio: [[], ['--', stdio.command, ...stdio.args]] };
    const runs: Promise<unknown>[] = [];

    atEnd(t, () => rmSync(home, { recursive: true, force: true }));
    for (const era of ['legacy', 'modern'])
        for (const [way, [first, last]] of Object.entries(ways)) {
            const inspect: Inspect = async (method, ...more) => {
                const args = [program, '--cli', ...first!, '--protocol-era', era, '--method', method, ...more, '--format', 'json', '-q', ...last!];
                const { code, stdout, stderr } = await finish(process.execPath, args, 60000, { HOME: home });
                equal(code, 0, `${method} ${more.join(' ')}: ${stderr}${stdout}`);
                const answer = JSON.parse(stdout);
                return answer.result ?? answer;
            };
            for (const [what, { over, run: play }] of Object.entries(cases))
                if (over === undefined || over === way)
                    runs.push(t.test(`${what}: ${era} over ${way}`, { timeout: 120000 }, () => play(inspect, era === 'modern')));
        }
    await Promise.all(runs);
});
