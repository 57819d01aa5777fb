import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseScenario } from './scenario.ts';
import type { Receive, Send, Step } from './scenario.ts';
import { planRuns } from './plan.ts';
import { ScenarioError } from './value.ts';

const HEAD = 'server weather speaks 2025-11-25 over http\nclient ada speaks 2025-11-25 over http at /s/weather/mcp\n';

const steps = (side: 'server' | 'client', ...lines: string[]): Step[] => {
    const at = side === 'client' ? ' at /s/x/mcp' : '';
    const text = `${side} x speaks 2025-11-25 over http${at}\n${lines.map((line) => `    ${line}\n`).join('')}`;
    return parseScenario('t.scn', text).ends[0].steps;
};
const sent = (side: 'server' | 'client', line: string) => steps(side, line)[0] as Step & Send;
const received = (side: 'server' | 'client', line: string) => steps(side, line)[0] as Step & Receive;

test('ends have a name, revisions, transports, a path, options', () => {
    const { ends } = parseScenario(
        't.scn',
        `
# a comment
server weather speaks 2025-03-26, 2026-07-28 over http, stdio with {"timeout": 500}
client ada speaks 2025-11-25 over http at /servers/weather/mcp with {"capabilities": {}} without opening
`,
    );
    assert.deepEqual(ends[0].revisions, ['2025-03-26', '2026-07-28']);
    assert.deepEqual(ends[0].transports, ['http', 'stdio']);
    assert.equal(ends[0].options?.kind, 'object');
    assert.equal(ends[1].path, '/servers/weather/mcp');
    assert.equal(ends[1].opens, false);
    assert.equal(ends[1].line, 4);
});

test('messages go and come', () => {
    assert.deepEqual(sent('client', '> [a] tools/call id "7" {"name": "x"} with {"X-A": "b"}').what.is, 'method');
    assert.equal(sent('client', '> [a] tools/call {"name": "x"}').label, 'a');
    assert.equal(sent('server', '> on stream notifications/tools/list_changed').on, 'stream');
    assert.equal(sent('server', '> {"content": []}').what.is, 'result');
    assert.deepEqual(sent('server', '> error -32602 {"data": 1}').what.is, 'error');
    assert.equal(sent('server', '> as sse {"tools": []}').sse, true);
    assert.equal(sent('server', '> event "e1"').what.is, 'event');
    assert.equal(sent('server', '> event "e1" {"a": 1}').what.is, 'result');
    assert.equal(received('client', '< [a] {"content": []}').label, 'a');
    assert.equal(received('client', '< on stream notifications/message {"level": "info"}').on, 'stream');
    assert.equal(received('server', '< tools/call id $id').what.is, 'method');
    assert.equal(received('server', '< ping').what.is, 'method');
});

test('HTTP itself can be said', () => {
    const post = sent('client', '> POST /s/a/mcp with {"Origin": "null"} body {"jsonrpc": "2.0"');
    assert.deepEqual(post.what, { is: 'request', verb: 'POST', path: '/s/a/mcp', body: '{"jsonrpc": "2.0"' });
    assert.deepEqual(sent('server', '> 401 body no').what, { is: 'answer', status: 401, body: 'no' });
    assert.deepEqual(received('client', '< 2xx').what, { is: 'status', status: '2xx' });
    assert.deepEqual(received('client', '< header X-A: b, c').what, {
        is: 'header',
        name: 'x-a',
        value: { kind: 'plain', value: 'b, c' },
    });
    assert.deepEqual(received('server', '< no header Cookie').what, {
        is: 'header',
        name: 'cookie',
        value: { kind: 'absent' },
    });
    assert.deepEqual(received('client', '< body ~"aggregation"').what, {
        is: 'body',
        value: { kind: 'holds', text: 'aggregation' },
    });
    for (const is of ['GET', 'DELETE', 'start', 'end of input', 'hang up'])
        assert.equal(received('server', `< ${is}`).what.is, is);
    for (const is of ['end', 'cut']) assert.equal(received('client', `< ${is}`).what.is, is);
});

test('what is indented deeper goes on with the line before', () => {
    const batch = sent('client', '> batch\n        [a] tools/list\n        notifications/initialized {"x": 1}').what;
    assert.equal(batch.is, 'batch');
    assert.equal(batch.is === 'batch' && batch.parts.length, 2);
    assert.equal(sent('client', '> tools/call {"name":\n        "x"}').what.is, 'method');
});

test('a check names what is captured and what is wanted of it', () => {
    const { checks } = parseScenario(
        't.scn',
        `${HEAD}then captured one tools/call of weather: 3 messages, outcome ok, code -32603\nthen captured no GET\nthen status says "1 down"\n`,
    );
    assert.deepEqual(checks[0], {
        line: 3,
        text: checks[0].text,
        of: 'captured',
        count: 1,
        what: 'tools/call',
        server: 'weather',
        byUs: false,
        wanted: { messages: 3, outcome: 'ok', code: -32603 },
    });
    assert.equal(checks[1].of === 'captured' && checks[1].count, 0);
    assert.equal(checks[2].of === 'status' && checks[2].says, '1 down');
});

test('what is not understood is refused, with its line', () => {
    const wrong: [string, number][] = [
        ['', 1],
        [`${HEAD}    < tools/list\n    sleep 5\n`, 4],
        [`${HEAD}    > tools/call {"name": }\n`, 3],
        [`${HEAD}    > tools/list {} {}\n`, 3],
        [`${HEAD}    wait nobody\n`, 3],
        [`${HEAD}  > tools/list\n`, 3],
        [`${HEAD}\t> tools/list\n`, 3],
        [`${HEAD}    exit 1\n`, 3],
        [`${HEAD}    > batch\n`, 3],
        [`${HEAD}then captured some tools/call\n`, 3],
        [`${HEAD}then captured one tools/call: 3 cows\n`, 3],
        [`${HEAD}then captured no x\n    > tools/list\n`, 4],
        [`${HEAD}server weather speaks 2025-11-25 over http\n`, 3],
        ['server weather speaks 2025-11-26 over http\n', 1],
        ['server weather speaks 2025-11-25 over carrier pigeon\n', 1],
        ['client ada speaks 2025-11-25 over http\n', 1],
        ['    > tools/list\n', 1],
    ];
    for (const [text, line] of wrong)
        assert.throws(
            () => parseScenario('t.scn', text),
            (error: ScenarioError) => error.line === line,
            JSON.stringify(text),
        );
});

test('lists multiply the runs, and only those who speak the same go direct', () => {
    const plan = (server: string, client: string, more = '') =>
        planRuns(
            parseScenario(
                't.scn',
                `${more}server weather speaks ${server}\nclient ada speaks ${client} at /s/weather/mcp\n`,
            ),
        );

    assert.equal(plan('2025-06-18, 2025-11-25 over http', '2025-06-18, 2025-11-25 over http').runs.length, 4);
    assert.deepEqual(
        plan('2025-11-25 over http, stdio', '2025-11-25 over http').runs.map((run) => run.direct),
        [true, false, false],
    );
    assert.deepEqual(
        plan('2025-11-25 over http', '2025-11-25 over http', 'only through Gatehouse\n').runs.map((run) => run.direct),
        [false],
    );
    const alone = planRuns(parseScenario('t.scn', 'client ada speaks 2025-11-25, 2026-07-28 over http at /gateway/mcp\n'));
    assert.deepEqual(
        alone.runs.map((run) => run.direct),
        [false, false],
    );
});

test('a run that needs what Gatehouse has not yet is left out, and said', () => {
    const leftOut = (server: string, client: string) => {
        const text = `server weather speaks ${server}\nclient ada speaks ${client} at /s/weather/mcp\n`;
        const { runs, leftOut } = planRuns(parseScenario('t.scn', text));
        return [runs.length, ...leftOut];
    };

    assert.deepEqual(leftOut('2025-06-18, 2025-11-25 over stdio', '2025-06-18, 2025-11-25 over http'), [2]);
    assert.deepEqual(leftOut('2025-11-25 over http', '2025-11-25 over http, stdio'), [2, 'a stdio front']);
    /* what nobody can meet is meant so */
    assert.deepEqual(leftOut('2025-06-18 over stdio', '2025-11-25 over http'), [1]);
});

test('ends of two eras meet, unless a scenario is about one', () => {
    const count = (server: string, client: string, more = '') =>
        planRuns(parseScenario('t.scn', `${more}server weather speaks ${server}\nclient ada speaks ${client} at /s/weather/mcp\n`)).runs.length;
    const both = '2025-11-25, 2026-07-28 over http';

    assert.equal(count(both, both), 6); /* two of them direct too */
    assert.equal(count(both, both, 'within one era because a legacy client is told otherwise\n'), 4);
    assert.equal(count('2026-07-28 over http, stdio', '2025-06-18, 2025-11-25 over http'), 4);
});
