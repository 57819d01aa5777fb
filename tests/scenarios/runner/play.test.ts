// A test of tests: what is wrong at either end must fail, at its line, and nothing may hang.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planRuns } from './plan.ts';
import { playRun } from './play.ts';
import { parseScenario } from './scenario.ts';
import { EventReader, formatEvent } from './sse.ts';
import { Failure, Stage } from './stage.ts';

async function play(server: string[], client: string[]): Promise<Failure | undefined> {
    const indent = (lines: string[]) => lines.map((line) => `    ${line}\n`).join('');
    const scenario = parseScenario(
        't.scn',
        `server s speaks 2025-11-25 over http\n${indent(server)}client c speaks 2025-11-25 over http at /s/s/mcp\n${indent(client)}`,
    );
    try {
        await playRun(planRuns(scenario).runs[0], 'nowhere');
        return undefined;
    } catch (error) {
        if (error instanceof Failure) return error;
        throw error;
    }
}

const LIST = ['< tools/list', '> {"tools": []}'];

test('what both ends say of each other passes', async () => {
    assert.equal(await play(LIST, ['> tools/list', '< {"tools": []}']), undefined);
});

test('a wrong method, result or error fails at its line', async () => {
    assert.equal((await play(['< tools/call', '> {}'], ['> tools/list', '< {}']))?.line, 2);
    assert.equal((await play(LIST, ['> tools/list', '< {"tools": [1]}']))?.line, 6);
    assert.equal((await play(LIST, ['> tools/list', '< error -32603']))?.line, 6);
    assert.equal((await play(['< tools/list', '> error -32601'], ['> tools/list', '< error -32603']))?.line, 6);
    assert.equal((await play(['< tools/list', '> error -32601'], ['> tools/list', '< {}']))?.line, 6);
});

test('what came and was not spoken of fails', async () => {
    assert.match(
        (await play(LIST, ['> tools/list', '< {"tools": []}', '> tools/list', '< {}']))?.message ?? '',
        /nothing more at s/,
    );
    assert.match(
        (await play(['< tools/list', '> notifications/message {}', '> {}'], ['> tools/list', '< {}']))?.got ?? '',
        /first/,
    );
    assert.match((await play(LIST, ['> tools/list', '< 200']))?.message ?? '', /nothing more at c/);
});

test('a status that is not spoken of fails', async () => {
    assert.match(
        (await play(['< tools/list', '> 500 body oops'], ['> tools/list', '< {}']))?.got ?? '',
        /HTTP 500 oops/,
    );
    assert.equal(await play(['< tools/list', '> 500 body oops'], ['> tools/list', '< 500', '< body oops']), undefined);
    assert.equal((await play(['< tools/list', '> 500'], ['> tools/list', '< 5xx', '< 404']))?.line, 7);
});

test('a client without its session, or with a wrong version, is found out', async () => {
    assert.match((await play(LIST, ['> tools/list with {"Mcp-Session-Id": null}', '< {}']))?.got ?? '', /HTTP 400/);
    assert.match(
        (await play(LIST, ['> tools/list with {"MCP-Protocol-Version": "2025-06-18"}', '< {}']))?.message ?? '',
        /MCP-Protocol-Version/,
    );
});

test('an end that leaves is seen by the other', async () => {
    assert.equal(await play(['< tools/list', 'hang up'], ['> tools/list', '< cut']), undefined);
    assert.equal(
        await play(['< tools/list', 'signal there', '< hang up'], ['> tools/list', 'wait there', 'hang up']),
        undefined,
    );
});

test('waiting gives up', async () => {
    await assert.rejects(
        new Stage().until(
            () => undefined,
            () => new Error('in vain'),
            10,
        ),
        /in vain/,
    );
});

test('one failure ends every wait', async () => {
    const stage = new Stage();
    const wait = stage.until(
        () => undefined,
        () => new Error('in vain'),
    );
    stage.fail(new Error('first'));
    stage.fail(new Error('second'));
    await assert.rejects(wait, /first/);
});

test('events read in any pieces', () => {
    const text = `: comment\n\n${formatEvent({ id: 'e1' })}${formatEvent({ id: 'e2', data: '{"a":1}' })}data: x\r\ndata: y\r\n\r\n`;
    const wanted = [{ id: 'e1', data: '' }, { id: 'e2', data: '{"a":1}' }, { data: 'x\ny' }];

    for (let size = 1; size <= text.length; size++) {
        const reader = new EventReader();
        const events = text.match(new RegExp(`[^]{1,${size}}`, 'g'))!.flatMap((piece) => reader.feed(piece));
        assert.deepEqual(events, wanted, `in pieces of ${size}`);
        assert(!reader.isBroken());
    }
});
