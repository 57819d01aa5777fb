// The official clients see through Gatehouse what they see without it.

import { deepEqual, equal, ok } from 'node:assert/strict';
import { test } from 'node:test';
import { join } from 'node:path';
import { everythingHttp, everythingStdio, finish, house, packages } from './harness.ts';
import { officials, plainClient, survey } from './official.ts';

for (const official of officials) {
    test(`${official} gets the same answers from a child as without Gatehouse`, { timeout: 60000 }, async (t) => {
        const gatehouse = await house(t, { everything: everythingStdio });
        const direct = await survey(await plainClient(t, official, everythingStdio));
        const through = await survey(await plainClient(t, official, { url: gatehouse.url('everything') }));

        ok((through['tools'] as { tools: unknown[] }).tools.length >= 13);
        deepEqual(through, direct);
    });

    test(`${official} gets the same answers over Streamable HTTP as without Gatehouse`, { timeout: 60000 }, async (t) => {
        const url = await everythingHttp(t);
        const gatehouse = await house(t, { everything: { url } });
        const direct = await survey(await plainClient(t, official, { url }));
        const through = await survey(await plainClient(t, official, { url: gatehouse.url('everything') }));

        ok((through['tools'] as { tools: unknown[] }).tools.length >= 13);
        deepEqual(through, direct);
    });
}

// Inspector ---------------------------------------------------------------------------------------------------------

const inspector = join(packages, '@modelcontextprotocol/inspector');

// Each is a process of its own that takes a second: the list is short.
const questions = [
    ['--method', 'tools/list'],
    ['--method', 'tools/call', '--tool-name', 'echo', '--tool-arg', 'message=hi'],
    ['--method', 'resources/list'],
    ['--method', 'resources/read', '--uri', 'demo://resource/static/document/features.md'],
    ['--method', 'prompts/list'],
    ['--method', 'prompts/get', '--prompt-name', 'args-prompt', '--prompt-args', 'city=Oslo'],
];

async function inspect(place: string[], question: string[]): Promise<unknown> {
    const { bin } = await import(join(inspector, 'package.json'), { with: { type: 'json' } }).then((module) => module.default);
    const program = join(inspector, typeof bin === 'string' ? bin : bin['mcp-inspector']);
    const args = [program, '--cli', ...(place[0] === '--' ? [] : place), ...question, '--format', 'json', '-q', ...(place[0] === '--' ? place : [])];
    const { code, stdout, stderr } = await finish(process.execPath, args, 30000, { HOME: '/nonexistent' });

    equal(code, 0, `inspector ${question.join(' ')}: ${stderr}${stdout}`);
    return JSON.parse(stdout);
}

async function inspectAll(place: string[]): Promise<unknown[]> {
    const answers = [];
    for (const question of questions) answers.push(await inspect(place, question));
    return answers;
}

test('the Inspector gets the same answers from a child as without Gatehouse', { timeout: 120000 }, async (t) => {
    const gatehouse = await house(t, { everything: everythingStdio });
    const places = [[gatehouse.url('everything')], ['--', everythingStdio.command, ...everythingStdio.args]];
    const [through, direct] = await Promise.all(places.map(inspectAll));
    deepEqual(through, direct);
});

test('the Inspector gets the same answers over Streamable HTTP as without Gatehouse', { timeout: 120000 }, async (t) => {
    const url = await everythingHttp(t);
    const gatehouse = await house(t, { everything: { url } });
    const [through, direct] = await Promise.all([[gatehouse.url('everything')], [url]].map(inspectAll));
    deepEqual(through, direct);
});
