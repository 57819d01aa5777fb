// What the modern revision adds to a message.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CAPABILITIES, VERSION, encodeField, flawOf, mirrorHeaders, modernResult, withEnvelope } from './message.ts';
import type { Message } from './message.ts';

const MODERN = '2026-07-28';
const GREETING = { protocolVersion: MODERN, capabilities: {}, clientInfo: { name: 'ada', version: '1' } };

const request = (method: string, params: Message = {}): Message => ({
    jsonrpc: '2.0',
    id: 1,
    method,
    params: withEnvelope(params, GREETING),
});

test('text that a header can hold goes as it is, other text in base64', () => {
    for (const plain of ['us-west1', '', 'a b', 'a\tb', '~', '=?base64?x', 'x?=']) assert.equal(encodeField(plain), plain);
    assert.equal(encodeField(' padded '), '=?base64?IHBhZGRlZCA=?=');
    assert.equal(encodeField('ø'), '=?base64?w7g=?=');
    assert.equal(encodeField('a\nb'), '=?base64?YQpi?=');
    assert.equal(encodeField('=?base64?x?='), '=?base64?PT9iYXNlNjQ/eD89?=');
});

test('what is in the body is in the headers once more', () => {
    const named: [string, Message, string | undefined][] = [
        ['tools/call', { name: 'x', uri: 'y' }, 'x'],
        ['prompts/get', { name: 'x' }, 'x'],
        ['resources/read', { uri: 'sky:///ø' }, '=?base64?c2t5Oi8vL8O4?='],
        ['tasks/cancel', { taskId: 't' }, 't'],
        ['tools/list', { name: 'x' }, undefined],
        ['tools/call', { name: 7 }, undefined],
    ];
    for (const [method, params, name] of named)
        assert.deepEqual(mirrorHeaders(request(method, params), MODERN), {
            'mcp-protocol-version': MODERN,
            'mcp-method': method,
            ...(name !== undefined && { 'mcp-name': name }),
        });
    assert.deepEqual(mirrorHeaders(request('tools/list'), '2025-11-25'), {});
});

test('a request that agrees with its headers has no flaw', () => {
    for (const [method, params] of [['tools/call', { name: ' ø' }], ['resources/read', { uri: 'a://b' }], ['ping', {}]] as const) {
        const message = request(method, params);
        assert.equal(flawOf(message, mirrorHeaders(message, MODERN), MODERN), undefined);
    }
});

test('of several flaws the first of these counts: envelope, version header, version, method, name', () => {
    const message = request('tools/call', { name: 'x', _meta: { [VERSION]: '2027-01-31' } });
    const headers: Message = { 'mcp-protocol-version': MODERN, 'mcp-method': 'x' };
    const flaw = (over: Message = {}) => flawOf({ ...message, ...over }, headers, MODERN);

    assert.equal(flaw({ params: { _meta: { [VERSION]: MODERN } } })?.code, -32602);
    assert.equal(flaw({ params: { _meta: { [CAPABILITIES]: {} } } })?.code, -32602);
    assert.match(flaw()?.message ?? '', /MCP-Protocol-Version/);
    headers['mcp-protocol-version'] = '2027-01-31';
    assert.deepEqual(flaw()?.data, { supported: [MODERN], requested: '2027-01-31' });
    headers['mcp-protocol-version'] = MODERN;
    message.params = withEnvelope({ name: 'x' }, GREETING);
    assert.match(flaw()?.message ?? '', /Mcp-Method/);
    headers['mcp-method'] = 'tools/call';
    assert.match(flaw()?.message ?? '', /Mcp-Name/);
});

test('a result says of what kind it is, and one that may be kept how long', () => {
    assert.deepEqual(modernResult('tools/call', { a: 1 }), { resultType: 'complete', a: 1 });
    assert.deepEqual(modernResult('resources/read', { ttlMs: 5 }), { resultType: 'complete', ttlMs: 5, cacheScope: 'private' });
    assert.deepEqual(modernResult('resources/read', { resultType: 'input_required' }), { resultType: 'input_required' });
});
