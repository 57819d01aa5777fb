import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { House, LARGE } from './house.ts';
import type { Json } from './house.ts';

const house = new House();
const forecast = (id: number | string, name: string, city: string) => ({
    id,
    method: 'tools/call',
    params: { name, arguments: { city } },
});

before(async () => {
    await house.start();
    const session = await house.initialize('weather', 'ada'); // 2 entries
    await house.call('weather', forecast('two', 'forecast', 'Oslo'), session); // 2
    await house.call('weather', forecast(3, 'slow', 'Bergen'), session); // 3
    await house.call('weather', { id: 4, method: 'nope/nothing' }, session); // 2
    await house.call('weather', { method: 'notifications/initialized' }, session); // 1
    const kid = await house.initialize('kid', 'bob'); // 2
    await house.call('kid', { id: 1, method: 'ping' }, kid); // 2
    await house.recorded(14);
});

after(() => house.stop());

test('the token is wanted everywhere but for health', async () => {
    for (const path of ['/api/logs', '/api/status', '/api/servers/config', '/api/nothing']) {
        const none = await house.ask(path, { headers: { authorization: '' } });
        const wrong = await house.ask(path, { headers: { authorization: 'Bearer wrong' } });
        assert.deepEqual([none.status, wrong.status], [401, 401], path);
        assert.equal(wrong.json.error.code, 'UNAUTHORIZED');
    }
    assert.equal((await house.ask('/healthz', { headers: { authorization: '' } })).json.status, 'ok');
    assert.equal((await house.ask('/readyz')).json.status, 'ready');
    assert.match((await house.ask('/')).text, /Gatehouse/);
});

test('paths, methods and types that do not fit', async () => {
    assert.equal((await house.ask('/api/nothing')).status, 404);
    const wrong = await house.send('DELETE', '/api/logs');
    assert.deepEqual([wrong.status, wrong.headers.get('allow')], [405, 'GET']);
    const plain = { method: 'POST', body: 'x', headers: { 'content-type': 'text/plain' } };
    assert.equal((await house.ask('/api/servers/config', plain)).status, 415);
});

test('a call is a request and a response', async () => {
    const { data } = await house.log('q=oslo&order=asc');
    const [request, response] = data;
    const shared = { method: 'tools/call', id: 'two', kind: 'request', outcome: 'ok', errorCode: null };

    assert.equal(data.length, 2);
    for (const [key, value] of Object.entries(shared)) assert.deepEqual([request[key], response[key]], [value, value], key);
    assert.deepEqual([request.direction, response.direction], ['request', 'response']);
    assert.deepEqual(request.request, { jsonrpc: '2.0', ...forecast('two', 'forecast', 'Oslo') });
    assert.equal(response.response.result.content[0].text, 'rain in Oslo');
    assert.equal(request.exchangeId, response.exchangeId);
    assert.equal(typeof request.exchangeId, 'string');
    assert.equal(request.metadata.methodDetail, 'forecast(city: "Oslo")');
    assert.equal(response.metadata.methodDetail, 'rain in Oslo');
    assert.equal(response.metadata.httpStatus, 200);
    assert.ok(response.metadata.durationMs > 0);
    assert.deepEqual(response.metadata.client, { name: 'ada', version: '3' });
    assert.deepEqual(response.metadata.server, { name: 'weather-server', version: '1.2' });
    assert.deepEqual([request.metadata.serverName, request.metadata.sessionId], ['weather', 's-1']);
    assert.ok(request.metadata.inputTokens > 0 && response.metadata.outputTokens > 0);
    assert.ok(Date.parse(request.timestamp) <= Date.parse(response.timestamp));
});

test('what the server says on the way is an sse-event', async () => {
    const { data } = await house.log('q=bergen');
    assert.deepEqual(
        data.map(({ direction, method }: Json) => [direction, method]),
        [
            ['response', 'tools/call'],
            ['sse-event', 'notifications/progress'],
            ['request', 'tools/call'],
        ],
    );
    assert.equal(JSON.parse(data[1].sseEvent.data).params.progress, 1);
});

test('each filter chooses', async () => {
    const counts: Record<string, number> = {
        'server=weather': 10,
        'server=weath': 0,
        'server=is:weather': 10,
        'server=contains:WEATH': 10,
        'server=kid': 4,
        'server=kid&server=weather': 14,
        'server=like:weather': 0,
        'session=s-1&server=weather': 10,
        'session=contains:s-&server=weather': 10,
        'method=call': 5,
        'method=is:call': 0,
        'method=is:tools/call': 5,
        'method=is:ping&method=is:initialize': 6,
        'client=ada': 10,
        'client=contains:AD': 10,
        'client=ada&client=bob': 14,
        'q=RAIN': 5,
        'q=rain&q=oslo': 2,
        'q=rai': 0,
        'q=contains:rai': 5,
        'q=contains:rain%20in%20Be': 3,
        'durationGte=55&q=bergen': 3, // it takes 60 ms
        'durationGt=100000': 0,
        'durationLt=100000&durationLte=100000': 14,
        'durationEq=99999': 0,
        'tokensGt=0': 5,
        'tokensGte=0': 14,
        'tokensEq=999999': 0,
        'tokensLt=1': 9,
        'tokensLte=0': 9,
        'errors=true': 2,
        'after=2020-01-01T00:00:00Z': 14,
        'before=2020-01-01T00:00:00Z': 0,
    };
    for (const [query, count] of Object.entries(counts))
        assert.equal((await house.log(query)).pagination.count, count, query);
});

test('durationEq takes what it writes', async () => {
    const { data } = await house.log('q=bergen');
    const { durationMs } = data[0].metadata;
    assert.equal((await house.log(`durationEq=${durationMs}`)).data.length, 3);
    assert.equal((await house.log(`durationEq=${Math.trunc(durationMs)}&durationEq=99999&q=bergen`)).data.length, 3);
});

test('pages by time and by cursor hold each entry once', async () => {
    for (const order of ['asc', 'desc'])
        for (const limit of [1, 2, 3, 5, 14]) {
            const whole = (await house.log(`order=${order}`)).data;
            const seen: Json[] = [];
            let page = await house.log(`order=${order}&limit=${limit}`);
            seen.push(...page.data);
            while (page.pagination.hasMore) {
                page = await house.log(`order=${order}&limit=${limit}&cursor=${page.pagination.nextCursor}`);
                seen.push(...page.data);
            }
            assert.deepEqual(seen, whole, `${order} ${limit}`);
        }
    const first = await house.log('limit=6');
    const rest = await house.log(`before=${first.pagination.oldestTimestamp}`);
    assert.equal(first.data.length + rest.data.length, 14);
    const later = await house.log(`after=${rest.pagination.newestTimestamp}`);
    assert.deepEqual(later.data, first.data);
});

test('hostile queries are refused in words', async () => {
    const bad = ['limit=0', 'limit=1001', 'limit=x', 'order=up', 'after=now', 'durationGt=-1', 'tokensEq=x', 'cursor=x'];
    const worse = ['server=%zz', 'server=%00', 'q=%ff', 'server=', 'sever=x', `q=${'x'.repeat(2000)}`, 'q=contains:'];
    const many = ['server=x&'.repeat(65), 'q=x&'.repeat(33), 'a=b&'.repeat(600)];
    for (const query of [...bad, ...worse, ...many]) {
        const { status, json } = await house.ask(`/api/logs?${query}`);
        assert.deepEqual([status, json?.error?.code], [400, 'INVALID_PARAM'], query);
        assert.ok(json.error.message.length > 10);
    }
    const both = await house.ask('/api/logs?after=2026-01-02&before=2026-01-01');
    assert.match(both.json.error.message, /earlier/);
});

test('one exchange in full', async () => {
    const { data } = await house.log('q=bergen');
    const { json } = await house.ask(`/api/logs/${data[0].exchangeId}`);
    assert.equal(json.method, 'tools/call');
    assert.equal(json.target, 'slow');
    assert.deepEqual(
        json.messages.map(({ from, text }: Json) => [from, JSON.parse(text).method ?? 'answer']),
        [
            ['client', 'tools/call'],
            ['server', 'notifications/progress'],
            ['server', 'answer'],
        ],
    );
    assert.equal((await house.ask('/api/logs/12345')).status, 404);
    assert.equal((await house.ask('/api/logs/x')).status, 400);
});

test('what there is: servers, sessions, clients, methods', async () => {
    const { servers } = (await house.ask('/api/servers')).json;
    const byName = Object.fromEntries(servers.map((server: Json) => [server.name, server]));
    assert.deepEqual([byName.weather.status, byName.weather.health, byName.weather.exchangeCount], ['online', 'up', 5]);
    assert.equal(byName.weather.url, house.weatherUrl);
    assert.deepEqual([byName.kid.status, byName.kid.exchangeCount], ['online', 2]);
    assert.deepEqual([byName['not a name'].status, byName['not a name'].exchangeCount], ['offline', 0]);

    const { sessions } = (await house.ask('/api/sessions?server=weather')).json;
    assert.deepEqual(sessions.map(({ sessionId, serverName }: Json) => [sessionId, serverName]), [['s-1', 'weather']]);
    assert.ok(sessions[0].startTime <= sessions[0].endTime);
    const { clients } = (await house.ask('/api/clients')).json;
    assert.deepEqual(clients.map((client: Json) => [client.clientName, client.clientVersion]), [['ada', '3'], ['bob', '3']]);
    const methods = (await house.ask('/api/methods?server=kid')).json.methods.map(({ method }: Json) => method);
    assert.deepEqual(methods, ['initialize', 'ping']);
    assert.ok((await house.ask('/api/methods')).json.methods.length >= 4);
});

test('the configuration hides secrets, and shows what is wrong', async () => {
    const { servers } = (await house.ask('/api/servers/config')).json;
    const [weather, kid, wrong] = servers;
    assert.deepEqual(weather.headers, { Authorization: '***', 'X-Plain': 'shown' });
    assert.deepEqual([weather.type, weather.timeout, weather.enabled, weather.isHealthy], ['http', 30000, true, true]);
    assert.deepEqual(kid.env, { KID_TOKEN: '***' });
    assert.deepEqual([kid.processState.status, kid.sessionMode], ['running', 'shared']);
    assert.ok(kid.processState.pid > 0);
    assert.ok(kid.processState.stderrLogs.includes('kid is awake'));
    assert.match(wrong.error, /rename it to/);
    const shown = (await house.ask('/api/servers/config/weather?secrets=show')).json.server;
    assert.equal(shown.headers.Authorization, 'Bearer hidden');
    assert.equal((await house.ask('/api/servers/config?secrets=please')).status, 400);
    assert.equal((await house.ask('/api/servers/config/nobody')).status, 404);
    assert.match((await house.ask('/api/servers/config/not%20a%20name')).json.server.error, /rename/);
});

test('a server is added, changed and removed, live when answered', async () => {
    const path = '/api/servers/config/second';
    const added = await house.send('POST', '/api/servers/config', { name: 'second', url: house.weatherUrl });
    assert.deepEqual([added.status, added.json.success], [201, true]);
    assert.equal((await house.ask(path)).json.server.url, house.weatherUrl);
    assert.equal((await house.send('POST', '/api/servers/config', { name: 'second', url: 'http://x/' })).status, 409);

    const changed = await house.send('PUT', path, { headers: { 'X-New': '1' }, timeout: 1000 });
    assert.equal(changed.status, 200);
    const { server } = (await house.ask(path)).json;
    assert.deepEqual([server.headers, server.timeout], [{ 'X-New': '1' }, 1000]);
    for (const body of [{}, { name: 'third' }, { type: 'stdio', command: 'cat', url: null }, { headers: { A: '***' } }])
        assert.equal((await house.send('PUT', path, body)).status, 400, JSON.stringify(body));

    const asking = { url: house.weatherUrl, headers: { 'X-Key': '${env:NOT_SET_YET}${input:key}' } };
    for (const refused of [await house.send('POST', '/api/servers/config', { name: 'third', ...asking }), await house.send('PUT', path, asking)]) {
        assert.equal(refused.status, 400);
        assert.match(refused.json.error.message, /^\$\{input:key\} would ask you, .*: write \$\{env:NAME\}/);
    }

    assert.equal((await house.send('DELETE', path)).status, 204);
    assert.equal((await house.ask(path)).status, 404);
    assert.equal((await house.send('DELETE', path)).status, 404);
    assert.equal((await house.send('PUT', path, { timeout: 5 })).status, 404);
    for (const body of [{ name: 'no good', url: 'http://x/' }, { url: 'http://x/' }, { name: 'x' }, [], { name: 5 }])
        assert.equal((await house.send('POST', '/api/servers/config', body)).status, 400, JSON.stringify(body));
});

test('health is what is known, and a restart is for shared children', async () => {
    const weather = (await house.send('POST', '/api/servers/weather/health-check')).json;
    assert.equal(weather.isHealthy, true);
    assert.ok(weather.responseTimeMs > 0 && Date.parse(weather.checkedAt) > 0);
    assert.equal((await house.send('POST', '/api/servers/nobody/health-check')).status, 404);
    assert.equal((await house.send('POST', '/api/servers/weather/restart')).status, 400);
    assert.equal((await house.send('POST', '/api/servers/nobody/restart')).status, 404);
    const { success, message } = (await house.send('POST', '/api/servers/kid/restart')).json;
    assert.deepEqual([success, typeof message], [true, 'string']);
});

test('the status has everything', async () => {
    const status = (await house.ask('/api/status')).json;
    assert.equal(status.recorded.rows, 7);
    assert.ok(status.calls.today <= 6 && status.calls.failed <= 1); // fewer after midnight
    assert.ok(status.calls.p95Us >= status.calls.p50Us);
    assert.match(status.url, /^http:\/\/localhost:\d+$/);
    assert.deepEqual(status.servers.map(({ name, kind }: Json) => [name, kind]), [
        ['weather', 'http'],
        ['kid', 'stdio'],
        ['not a name', 'wrong'],
        ['snapshots', 'built-in'],
    ]);
    assert.deepEqual([status.servers[0].serverName, status.servers[0].revision], ['weather-server', '2025-06-18']);
    assert.deepEqual(status.servers[0].eras, ['legacy']);
    assert.ok(status.sessions.clients.includes('ada'));
    assert.ok(status.memory.residentBytes > 1e6);
    assert.deepEqual(Object.keys(status.liveObjects), ['exchanges', 'streams', 'sessions', 'retired']);
    assert.deepEqual([status.objects.apiJobs, status.objects.servers, status.objects.exchanges], [1, 4, 0]);
});

test('a large message is said by its size in the list, and is whole by itself', async () => {
    await house.call('weather', forecast(9, 'large', 'Rome'), 's-1');
    await house.recorded(16);
    const [response, request] = (await house.log('limit=2')).data;
    assert.ok(response.omittedBytes > LARGE && response.response === undefined);
    assert.equal(request.request.params.name, 'large');
    const { messages } = (await house.ask(`/api/logs/${response.exchangeId}`)).json;
    assert.equal(JSON.parse(messages[1].text).result.content[0].text.length, LARGE);
});

// Each looks into all that is stored, which is much by now.
const slow = '/api/logs?q=contains:nowhere-to-be-found';

test('of many questions at once some are refused, and none waits for ever', async () => {
    const answers = await Promise.all(Array.from({ length: 250 }, () => house.ask(slow)));
    const busy = answers.filter(({ status }) => status === 503);

    assert.equal(answers.filter(({ status }) => status === 200).length + busy.length, 250);
    assert.ok(busy.length > 0, 'there is no bound');
    assert.equal(busy[0]!.json.error.code, 'BUSY');
    assert.equal((await house.ask(slow)).status, 200);
});

test('who leaves before the answer disturbs nobody', async () => {
    const leaving = new AbortController();
    const left = Array.from({ length: 40 }, () => house.ask(slow, { signal: leaving.signal }).catch(() => undefined));

    assert.equal((await house.ask('/healthz')).status, 200); // the others' are under way
    leaving.abort();
    await Promise.all(left);
    for (let i = 0; i < 5; i++) assert.equal((await house.ask(slow)).status, 200);
});

test('last, the log is cleared', async () => {
    const { status, json } = await house.send('POST', '/api/logs/clear');
    assert.deepEqual([status, json.success, json.exchanges], [200, true, 8]);
    assert.deepEqual((await house.log('')).data, []);
});
