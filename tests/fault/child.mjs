// An MCP server over stdio that answers its opening as it should, and tools/call as its argument says.
import { createInterface } from 'node:readline';
import { closeSync, writeSync } from 'node:fs';

const how = process.argv[2];
const mib = Number(process.argv[3] ?? 0);
const say = (text) => process.stdout.write(text + '\n');
const result = (id, what = {}) => JSON.stringify({ jsonrpc: '2.0', id, result: what });
const every = (ms, what) => setInterval(what, ms);

const misbehave = {
    exits: () => process.exit(3),
    'is killed': () => process.kill(process.pid, 'SIGKILL'),
    'exits in its answer': (id) => (writeSync(1, result(id).slice(0, 20)), process.exit(0)),
    'closes its stdout': () => (closeSync(1), setInterval(() => {}, 1000)),
    'closes its stdin': () => (closeSync(0), setInterval(() => {}, 1000)),
    'stops reading': () => (process.stdin.pause(), setInterval(() => {}, 1000)),
    'never answers': () => {},
    'says garbage': () => say('Traceback (most recent call last):\n\x1b[31m\xff\0'),
    'says JSON that is no JSON-RPC': () => say('{"ok":true}\n[]\n42\n"id"\n[[[[[[[['),
    'answers twice': (id) => say(result(id) + '\n' + JSON.stringify({ jsonrpc: '2.0', id, error: { code: 1, message: 'no' } })),
    "answers another's id": (id) => say(result(id + 1000)),
    'answers with an id never asked': () => say(result('surprise') + '\n' + result(null) + '\n' + result(-1) + '\n' + result(1e300)),
    'answers what was asked before': (id) => say(result(1)),
    'asks without end': () => { let n = 0; every(5, () => say(JSON.stringify({ jsonrpc: '2.0', id: `q${++n}`, method: 'roots/list' }))); }, // prettier-ignore
    'drips its answer': (id) => { const text = result(id) + '\n'.padStart(10000); let at = 0; every(300, () => process.stdout.write(text[at++])); }, // prettier-ignore
    'talks without end on stderr': () => every(1, () => process.stderr.write('x'.repeat(60000) + '\n')),
    'talks without end on stdout': () => every(1, () => say('x'.repeat(60000))),
    'sends a large line': () => { let left = mib; const more = () => (left-- > 0 ? process.stdout.write('x'.repeat(1 << 20), more) : say('')); more(); }, // prettier-ignore
    'sends a large answer': (id) => { let left = mib; process.stdout.write(result(id, { text: '' }).slice(0, -3)); const more = () => (left-- > 0 ? process.stdout.write('x'.repeat(1 << 20), more) : say('"}}')); more(); }, // prettier-ignore
    'sends small lines': () => { let left = mib; const lines = (JSON.stringify({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'x'.repeat(100) } }) + '\n').repeat(5500); const more = () => left-- > 0 && process.stdout.write(lines, more); more(); }, // prettier-ignore
    // how it was asked: what the text is made of, and whether the id comes first or last
    'sends what it is asked': (id, { piece, count, first }) => {
        let left = count;
        process.stdout.write(first ? `{"jsonrpc":"2.0","id":${id},"result":{"text":"` : '{"result":{"text":"');
        const more = () => (left > 0 ? ((left -= 1000), process.stdout.write(piece.repeat(1000), more)) : say(first ? '"}}' : `"},"jsonrpc":"2.0","id":${id}}`));
        more();
    },
};

createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    if (method === 'initialize') say(result(id, { protocolVersion: params.protocolVersion, capabilities: { tools: {}, logging: {} }, serverInfo: { name: 'hostile', version: '1' } }));
    else if (method === 'ping') say(result(id));
    else if (method === 'tools/call') misbehave[how](id, params.arguments);
});
