// A test of tests: what is wrong at either end must fail, at its line, and nothing may hang.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAPABILITIES, CLIENT, VERSION } from './message.ts';
import { planRuns } from './plan.ts';
import { playRun, targetOf } from './play.ts';
import { parseScenario } from './scenario.ts';
import { Server } from './server.ts';
import type { Way } from './server.ts';
import { Gatehouse } from './gatehouse.ts';
import { EventReader, formatEvent } from './sse.ts';
import { Failure, Stage } from './stage.ts';

async function play(server: string[], client: string[], revision = '2025-11-25'): Promise<Failure | undefined> {
    const indent = (lines: string[]) => lines.map((line) => `    ${line}\n`).join('');
    const scenario = parseScenario(
        't.scn',
        `server s speaks ${revision} over http\n${indent(server)}client c speaks ${revision} over http at /s/s/mcp\n${indent(client)}`,
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

test('an id that the runner chooses is none of the script', async () => {
    const server = ['< tools/list id 1', '< prompts/list id 2', '> {"prompts": []}', '< ping id 3', '> {}'];
    const client = ['> [a] tools/list id 1', '> prompts/list', '< {"prompts": []}', '> ping', '< {}', 'hang up [a]'];
    assert.equal(await play(server, client, '2026-07-28'), undefined);
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

test('what a modern request says of itself must agree', async () => {
    const ask = (line: string) => play(LIST, [line, '< {"tools": []}'], '2026-07-28');

    assert.equal(await ask('> tools/list'), undefined);
    assert.match((await ask('> tools/list with {"Mcp-Method": "ping"}'))?.got ?? '', /HTTP 400 .*-32020.*Mcp-Method/);
    assert.match((await ask('> tools/call {"name": "x"} with {"Mcp-Name": null}'))?.got ?? '', /-32020.*Mcp-Name/);
    assert.match((await ask('> tools/list with {"MCP-Protocol-Version": null}'))?.got ?? '', /-32020.*MCP-Protocol/);
    assert.match((await ask(`> tools/list {"_meta": {"${VERSION}": "2027-01-31"}}`))?.got ?? '', /-32022.*2026-07-28/);
    assert.match((await ask(`> tools/list {"_meta": {"${CAPABILITIES}": 1}}`))?.got ?? '', /-32602/);
});

test('a modern error has its status, a modern result its kind and freshness', async () => {
    const modern = (server: string[], client: string[]) => play(server, client, '2026-07-28');

    assert.equal(await modern(['< ping', '> error -32601'], ['> ping', '< 404', '< error -32601']), undefined);
    assert.equal(await modern(['< ping', '> error -32603'], ['> ping', '< 200', '< error -32603']), undefined);
    assert.equal(await modern([], ['> initialize', '< 404', '< error -32601']), undefined);
    assert.equal(await modern([], ['> GET', '< 405', '< header allow: POST']), undefined);
    const fresh = '< {"resultType": "complete", "tools": [], "ttlMs": 0, "cacheScope": "private"}';
    assert.equal(await modern(LIST, ['> tools/list', fresh]), undefined);
});

test('what another client of the same id asks is no repetition', () => {
    const [speaker] = planRuns(parseScenario('t.scn', 'server s speaks 2026-07-28 over http\n    < tools/list\n')).runs[0]!.speakers;
    const server = new Server(new Stage(), speaker!);
    const ask = (name: string) => {
        const way = { headers: {}, isGone: false } as unknown as Way;
        server.arrive('message', way, { id: 1, method: 'tools/list', params: { _meta: { [CLIENT]: { name } } } });
    };

    for (const name of ['ada', 'bob']) ask(name);
    assert.deepEqual(server.repeats, []);
    ask('ada');
    assert.deepEqual(server.repeats, ['tools/list']);
});

test('an end that leaves is seen by the other', async () => {
    assert.equal(await play(['< tools/list', 'hang up'], ['> tools/list', '< cut']), undefined);
    assert.equal(
        await play(['< tools/list', 'signal there', '< hang up'], ['> tools/list', 'wait there', 'hang up']),
        undefined,
    );
});

test('a client of Gatehouse itself bears the token of the house', () => {
    const text = (path: string) =>
        `only through Gatehouse with {"token": "t"}\nserver s speaks 2025-11-25 over http\nclient c speaks 2025-11-25 over http at ${path}\n`;
    const token = (path: string) => {
        const run = planRuns(parseScenario('t.scn', text(path))).runs[0]!;
        return targetOf(run, run.speakers[1]!, [], new Gatehouse('nowhere', 'nowhere')).token;
    };

    assert.equal(token('/gateway/mcp'), 't');
    assert.equal(token('/s/s/mcp'), undefined);
    assert.equal(token('/s/other/mcp'), undefined);
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
