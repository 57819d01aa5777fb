// What is built in is a server like any: in the lists, at its URL, in the log; and may be removed like any.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Admin } from './admin.ts';
import { House } from './house.ts';
import type { Json } from './house.ts';

const house = new House();
const config = '/api/servers/config/snapshots';

before(() => house.start());
after(() => house.stop());

const listed = async (path: string) => (await house.ask(path)).json.servers.find(({ name }: Json) => name === 'snapshots');

async function status(): Promise<number> {
    const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'cid', version: '4' } };
    const response = await fetch(`http://localhost:${house.port}/servers/snapshots/mcp`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
    });
    await response.text();
    return response.status;
}

test('it is in every list, without an entry in mcp.json', async () => {
    const { server } = (await house.ask(config)).json;
    assert.deepEqual([server.type, server.enabled, server.state, server.line, server.error], ['built-in', true, 'running', null, null]);
    assert.ok(server.about.length > 10 && server.url === undefined && server.processState === undefined);
    assert.equal((await listed('/api/servers/config')).type, 'built-in');
    assert.deepEqual([(await listed('/api/servers')).status, (await listed('/api/servers')).health], ['online', 'up']);
    assert.equal((await listed('/api/status')).kind, 'built-in');
    assert.equal((await house.send('POST', '/api/servers/snapshots/restart')).status, 400);
});

test('a session with it is counted, and its calls are on record', async () => {
    const session = await house.initialize('snapshots', 'cid');
    await house.call('snapshots', { id: 1, method: 'tools/list' }, session);
    await house.recorded(4);
    assert.equal((await listed('/api/status')).sessions, 1);
    const { data } = await house.log('server=snapshots&order=asc');
    assert.deepEqual(
        data.map(({ method, direction, outcome }: Json) => [method, direction, outcome]),
        ['initialize', 'initialize', 'tools/list', 'tools/list'].map((method, i) => [method, i % 2 === 0 ? 'request' : 'response', 'ok']),
    );
    for (const { metadata } of data) {
        assert.deepEqual([metadata.serverName, metadata.sessionId, metadata.client], ['snapshots', session, { name: 'cid', version: '3' }]);
        assert.ok(metadata.server.version.length > 0);
    }
});

test('it is removed by an entry that switches it off, and comes back', async () => {
    assert.equal((await house.send('POST', '/api/servers/config', { name: 'snapshots' })).status, 409);
    assert.equal((await house.send('DELETE', config)).status, 204);
    assert.deepEqual([(await house.ask(config)).json.server.enabled, (await listed('/api/status')).sessions], [false, 0]);
    assert.equal(await status(), 503);
    assert.equal((await house.send('DELETE', config)).status, 404);
    assert.equal((await house.send('POST', '/api/servers/config', { name: 'snapshots' })).status, 201);
    assert.equal((await house.ask(config)).json.server.line, null);
    assert.equal(await status(), 200);
});

test('it is changed like any', async () => {
    assert.equal((await house.send('PUT', config, { timeout: 5000 })).status, 200);
    const { server } = (await house.ask(config)).json;
    assert.deepEqual([server.type, server.timeout, server.enabled], ['built-in', 5000, true]);
    assert.equal((await house.send('PUT', config, { url: 'http://localhost:1/mcp' })).status, 400);
    assert.equal((await house.send('PUT', config, { timeout: null })).status, 200);
});

test('a server of its name has its place', async () => {
    assert.equal((await house.send('DELETE', config)).status, 204);
    assert.equal((await house.send('POST', '/api/servers/config', { name: 'snapshots', url: house.weatherUrl })).status, 201);
    const { server } = (await house.ask(config)).json;
    assert.deepEqual([server.type, server.url], ['http', house.weatherUrl]);
    assert.match(server.note, /built in/);
    assert.equal((await house.send('DELETE', config)).status, 204);
    assert.equal((await house.ask(config)).json.server.type, 'built-in');
    assert.equal(await status(), 200);
});

test('a model may remove it, and bring it back', async () => {
    const admin = await new Admin(house, '2025-11-25').open();
    assert.equal((await admin.call('remove_server', { name: 'snapshots' })).failed, false);
    assert.equal(await status(), 503);
    const { failed, data } = await admin.call('add_server', { name: 'snapshots' });
    assert.deepEqual([failed, data.state], [false, 'running']);
    assert.equal(await status(), 200);
});
