import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Admin, eras } from './admin.ts';
import { House } from './house.ts';
import type { Json } from './house.ts';

const house = new House();

before(async () => {
    await house.start();
    const session = await house.initialize('weather', 'ada');
    for (const [id, name, city] of [[1, 'forecast', 'Oslo'], [2, 'slow', 'Bergen']])
        await house.call('weather', { id, method: 'tools/call', params: { name, arguments: { city } } }, session);
    await house.call('weather', { id: 3, method: 'nope/nothing' }, session);
    await house.recorded(9);
});

after(async () => assert.equal(await house.stop(), undefined));

test('without the token nobody comes in, and is told where it is', async () => {
    for (const path of ['/gateway/mcp', '/g/mcp'])
        for (const method of ['POST', 'GET', 'DELETE']) {
            const none = await house.ask(path, { method, headers: { authorization: '' } });
            const wrong = await house.ask(path, { method, headers: { authorization: 'Bearer wrong' } });
            assert.deepEqual([none.status, wrong.status], [401, 401], `${method} ${path}`);
            assert.equal(none.headers.get('www-authenticate'), 'Bearer');
            assert.match(none.json.error.message, /<home>\/token/);
        }
});

test('a page of another origin does not come in, though it has the token', async () => {
    const answer = await house.ask('/gateway/mcp', { method: 'POST', headers: { origin: 'http://evil.example' }, body: '{}' });
    assert.equal(answer.status, 403);
});

test('all servers as one are not there yet', async () => {
    const { status, json } = await house.ask('/mcp', { method: 'POST', body: '{}' });
    assert.equal(status, 404);
    assert.match(json.error.message, /\/gateway\/mcp/);
});

for (const era of eras) {
    test(`${era}: four tools with their schemas, in the table's order`, async () => {
        for (const path of ['/gateway/mcp', '/g/mcp']) {
            const { result } = await (await new Admin(house, era, path).open()).ask('tools/list');
            assert.deepEqual(result.tools.map(({ name }: Json) => name), ['add_server', 'remove_server', 'list_servers', 'search_records']);
            for (const tool of result.tools) {
                assert.equal(tool.inputSchema.type, 'object', tool.name);
                assert.equal(tool.outputSchema.type, 'object', tool.name);
                assert.equal(tool.annotations.readOnlyHint === true, ['list_servers', 'search_records'].includes(tool.name), tool.name);
            }
        }
    });

    test(`${era}: a server is added, called, listed, and removed`, async () => {
        const admin = await new Admin(house, era).open();
        const name = `second-${era}`;
        const added = await admin.call('add_server', { name, url: house.weatherUrl, headers: { Authorization: 'Bearer hidden', 'X-Plain': 'shown' } });
        assert.equal(added.failed, false, added.text);
        assert.equal(added.data.endpoint, `http://localhost:${house.port}/s/${name}/mcp`);
        assert.match(added.text, new RegExp(`^Added ${name} \\(${house.weatherUrl}\\)`));
        assert.match(added.data.note, /weather/); // the same URL under another name

        await house.initialize(name, 'eve'); // it is live when the answer is there
        const again = await admin.call('add_server', { name, url: house.weatherUrl });
        assert.deepEqual([again.failed, /exists|already|there/.test(again.text)], [true, true], again.text);

        const { data, text } = await admin.call('list_servers', { format: 'detailed' });
        const mine = data.servers.find((server: Json) => server.name === name);
        assert.deepEqual(mine.headers, { Authorization: '***', 'X-Plain': 'shown' });
        assert.deepEqual([mine.type, mine.target, mine.endpoint, mine.serverName], ['http', house.weatherUrl, added.data.endpoint, 'weather-server']);
        assert.ok(!text.includes('hidden') && text.includes('X-Plain: shown'), text);

        const masked = await admin.call('add_server', { name: 'masked', url: house.weatherUrl, headers: mine.headers });
        assert.deepEqual([masked.failed, /stands for a secret/.test(masked.text)], [true, true], masked.text);

        const removed = await admin.call('remove_server', { name });
        assert.deepEqual([removed.failed, removed.data], [false, { name, removed: true }], removed.text);
        const { servers } = (await admin.call('list_servers')).data;
        assert.ok(!servers.some((server: Json) => server.name === name));
        const gone = await admin.call('remove_server', { name: 'wether' });
        assert.match(gone.text, /no server is named "wether"; did you mean "weather"\?/);
        assert.equal(gone.failed, true);
        assert.match(house.said, new RegExp(`${name} was added over MCP[^]*${name} was removed over MCP`));
    });

    test(`${era}: neither a command nor our environment is to be had by asking`, async () => {
        const admin = await new Admin(house, era).open();
        const commands = [
            { command: '/bin/sh', args: ['-c', 'touch /tmp/owned'] },
            { type: 'stdio', url: house.weatherUrl },
            { url: house.weatherUrl, command: 'sh' },
            { url: house.weatherUrl, env: { A: 'b' } },
            { url: house.weatherUrl, cwd: '/' },
        ];
        for (const given of commands) {
            const { failed, text } = await admin.call('add_server', { name: 'bad', ...given });
            assert.ok(failed && /admin\.mcp_commands/.test(text) && /gatehouse add/.test(text), text);
        }
        const values = [{ url: 'http://localhost:1/${HOME}' }, { url: house.weatherUrl, headers: { 'X-Take': 'a${env:SECRET}' } }];
        for (const given of values) {
            const { failed, text } = await admin.call('add_server', { name: 'bad', ...given });
            assert.ok(failed && /out of Gatehouse's environment/.test(text), text);
        }
        for (const given of [{ name: 'no good', url: house.weatherUrl }, { name: 'bad', url: 'ftp://x/' }, { name: 'bad' }]) {
            const { failed, text } = await admin.call('add_server', given);
            assert.ok(failed && text.length > 20, text);
        }
        const { servers } = (await admin.call('list_servers')).data;
        assert.deepEqual(servers.map(({ name }: Json) => name), ['weather', 'kid', 'not a name', 'snapshots']);
    });

    test(`${era}: what a schema forbids is refused before anything is done`, async () => {
        const admin = await new Admin(house, era).open();
        const wrong: [string, object][] = [
            ['search_records', { limit: 0 }],
            ['search_records', { limit: 1001 }],
            ['search_records', { order: 'up' }],
            ['search_records', { sever: 'weather' }],
            ['add_server', { url: house.weatherUrl }],
            ['add_server', { name: 'x', url: house.weatherUrl, headers: { A: 1 } }],
            ['add_server', { name: 'x', url: house.weatherUrl, envFile: '/etc/passwd' }],
            ['list_servers', { filter: 'some' }],
        ];
        for (const [name, given] of wrong) {
            const { result, error } = await admin.ask('tools/call', { name, arguments: given });
            assert.ok(error?.code === -32602 || result?.isError === true, `${name} ${JSON.stringify(given)}: ${JSON.stringify(result)}`);
        }
    });

    test(`${era}: the servers are listed by how they are used`, async () => {
        const admin = await new Admin(house, era).open();
        const all = await admin.call('list_servers');
        const [weather, kid, wrong, snapshots] = all.data.servers;
        assert.deepEqual([all.data.total, all.data.active], [4, 1]);
        assert.deepEqual([weather.state, weather.isActive, weather.calls >= 4, weather.failed >= 1], ['running', true, true, true]);
        assert.ok(Date.parse(weather.lastUsed) > 0 && weather.target === undefined);
        assert.deepEqual([kid.type, kid.isActive, kid.calls, kid.lastUsed], ['stdio', false, 0, undefined]);
        assert.deepEqual([wrong.type, wrong.state], ['wrong', 'wrong']);
        assert.match(wrong.detail, /rename it to/);
        assert.deepEqual([snapshots.name, snapshots.type, snapshots.state], ['snapshots', 'built-in', 'running']);
        assert.match(all.text, /^4 servers, 1 used in the last hour\.\nweather: running, http, \d+ calls, \d+ failed, used \d+ s ago\n/);
        const names = async (filter: string) => (await admin.call('list_servers', { filter })).data.servers.map(({ name }: Json) => name);
        assert.deepEqual([await names('active'), await names('inactive')], [['weather'], ['kid', 'not a name', 'snapshots']]);
    });

    test(`${era}: the log is searched`, async () => {
        const admin = await new Admin(house, era).open();
        const counts: [object, number][] = [
            [{ method: 'tools/' }, 2],
            [{ method: 'TOOLS/CALL' }, 2],
            [{ method: 'nope', errorsOnly: true }, 1],
            [{ text: 'oslo' }, 1],
            [{ text: 'oslo', serverName: 'kid' }, 0],
            [{ sessionId: 's-1', method: 'tools' }, 2],
            [{ sessionId: 's-' }, 0],
        ];
        for (const [given, count] of counts) {
            const { data } = await admin.call('search_records', { serverName: 'weather', ...given });
            assert.deepEqual([data.count, data.records.length, data.hasMore], [count, count, false], JSON.stringify(given));
        }
        const { data, text } = await admin.call('search_records', { text: 'bergen' });
        const [record] = data.records;
        assert.deepEqual(JSON.parse(record.request), { name: 'slow', arguments: { city: 'Bergen' } });
        assert.equal(JSON.parse(record.response).content[0].text, 'rain in Bergen');
        assert.deepEqual([record.method, record.target, record.outcome, record.clientName, record.messages], ['tools/call', 'slow', 'ok', 'ada', 3]);
        assert.ok(record.durationMs > 0 && Date.parse(record.timestamp) > 0);
        assert.match(text, /^1 record, newest first\.\n\n\d+ {2}20\S+Z {2}weather {2}tools\/call slow: ok, \d+ ms, ada, 3 messages\n {2}→ \{"name".*\n {2}← \{"content"/);
    });

    test(`${era}: pages hold each record once`, async () => {
        const admin = await new Admin(house, era).open();
        for (const order of ['asc', 'desc']) {
            const given = { order, serverName: 'weather' };
            const whole = (await admin.call('search_records', given)).data.records.map(({ id }: Json) => id);
            const seen: string[] = [];
            let page = (await admin.call('search_records', { ...given, limit: 1 })).data;
            seen.push(page.records[0].id);
            while (page.hasMore) {
                page = (await admin.call('search_records', { ...given, limit: 1, cursor: page.nextCursor })).data;
                seen.push(page.records[0].id);
            }
            assert.ok(whole.length >= 3);
            assert.deepEqual(seen, whole, order);
        }
        const { failed, text } = await admin.call('search_records', { cursor: 'x' });
        assert.deepEqual([failed, /nextCursor/.test(text)], [true, true]);
    });

    test(`${era}: nothing found says why`, async () => {
        const admin = await new Admin(house, era).open();
        assert.match((await admin.call('search_records', { serverName: 'wether' })).text, /No record fits\. No server is named "wether"; did you mean "weather"\?/);
        assert.match((await admin.call('search_records', { text: 'nowhere' })).text, /^No record fits\.$/);
    });
}

test('what was said is cut honestly, and never through a letter', async () => {
    const session = await house.initialize('weather', 'ada');
    const city = '世界'.repeat(20000);
    await house.call('weather', { id: 'long', method: 'tools/call', params: { name: 'forecast', arguments: { city } } }, session);
    const admin = await new Admin(house, '2026-07-28').open();
    let found: Json;
    for (const until = Date.now() + 5000; Date.now() < until; await new Promise((resolve) => setTimeout(resolve, 50))) {
        found = await admin.call('search_records', { limit: 1, method: 'tools/call' });
        if (found.data.records[0].request.includes('世') && found.data.records[0].outcome === 'ok') break;
    }
    const [record] = found.data.records;
    const whole = JSON.stringify({ name: 'forecast', arguments: { city } });
    assert.ok(record.request.length > 5000 && whole.startsWith(record.request));
    assert.equal(Buffer.byteLength(record.request) + record.requestOmittedBytes, Buffer.byteLength(whole));
    assert.ok(record.responseOmittedBytes > 0);
    assert.match(found.text, /… [\d,]+ bytes more/);
    assert.match(found.text, /One in full: gatehouse logs ID/);
    const many = await admin.call('search_records', { limit: 1000 });
    assert.ok(JSON.stringify(many.data).length < 1 << 20);
});

test('calls are not on record', async () => {
    const { data } = await (await new Admin(house, '2025-11-25').open()).call('search_records', { method: 'tools/call', text: 'search_records' });
    assert.equal(data.count, 0);
});

test('who leaves before the answer disturbs nobody', async () => {
    const admin = await new Admin(house, '2026-07-28').open();
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'search_records' };
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'search_records', arguments: {}, _meta } });
    const leaving = Array.from({ length: 30 }, async (_, i) => {
        const leave = new AbortController();
        setTimeout(() => leave.abort(), i % 5);
        await house.ask('/gateway/mcp', { method: 'POST', headers, body, signal: leave.signal }).catch(() => {});
    });
    await Promise.all(leaving);
    assert.equal((await admin.call('list_servers')).failed, false);
});

test('commands are allowed to whom the person allows them', async (t) => {
    const open = new House();
    await open.start({ 'admin.mcp_commands': 'on' });
    t.after(async () => assert.equal(await open.stop(), undefined));
    const admin = await new Admin(open, '2025-11-25').open();
    const added = await admin.call('add_server', { name: 'mine', command: process.execPath, args: ['-e', '0'], env: { A_TOKEN: '${HOME}' } });
    assert.equal(added.failed, false, added.text);
    const { servers } = (await admin.call('list_servers', { format: 'detailed' })).data;
    assert.deepEqual(servers.find(({ name }: Json) => name === 'mine').type, 'stdio');
});

test('a session with an open stream does not keep Gatehouse from ending', async () => {
    const ending = new House();
    await ending.start();
    const admin = await new Admin(ending, '2025-11-25').open();
    const stream = admin.listen();
    assert.equal((await admin.call('list_servers')).failed, false);
    assert.equal(await ending.stop(), undefined);
    assert.equal((await stream).status, 200); // its end was told, not cut
});
