// The official definitions of each revision's messages: the JSON schemas of the specification, as the pinned conformance suite
// carries them in its one file. It has none of 2024-11-05, whose messages are looked at as those of 2025-03-26.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import type { ErrorObject, ValidateFunction } from 'ajv';
import { packages } from '../e2e/harness.ts';

export type Message = Record<string, any>;
type Definitions = Record<string, any>;
type Judge = { has: (name: string) => boolean; byMethod: Map<string, string>; byCode: Map<number, string>; check: (name: string, value: unknown) => string[] };

const require = createRequire(import.meta.url);
const { Ajv } = require('ajv');
const { Ajv2020 } = require('ajv/dist/2020.js');
const addFormats = require('ajv-formats').default;

/** The suite's bundle names its schemas in one table; they are the object literals before it. */
function bundled(): Record<string, Definitions> {
    const text = readFileSync(join(packages, '@modelcontextprotocol/conformance/dist/index.js'), 'utf8');
    const table = /const \w+=\{"2025-03-26":(\w+),"2025-06-18":(\w+),"2025-11-25":(\w+),\[\w+\]:(\w+)\}/.exec(text);
    const from = text.indexOf(`${table![1]}={$schema:`);
    const [, ...names] = table!;
    const [first, second, third, fourth] = runInNewContext(`const ${text.slice(from, table!.index)}[${names.join(',')}]`) as Definitions[];

    return { '2024-11-05': first!, '2025-03-26': first!, '2025-06-18': second!, '2025-11-25': third!, '2026-07-28': fourth! };
}

function judgeOf(schema: Definitions): Judge {
    const key = '$defs' in schema ? '$defs' : 'definitions';
    const all = structuredClone(schema);
    const ajv = new (key === '$defs' ? Ajv2020 : Ajv)({ strict: false, allErrors: true });
    const compiled = new Map<string, ValidateFunction>();
    const judge: Judge = { has: (name) => name in all[key], byMethod: new Map(), byCode: new Map(), check: () => [] };

    for (const each of ['minimum', 'maximum', 'default']) // 2025-06-18 and 2025-11-25 call the bounds of a number integers
        if (all[key].NumberSchema?.properties?.[each]?.type === 'integer') all[key].NumberSchema.properties[each].type = 'number';
    addFormats(ajv);
    ajv.addFormat('byte', true);
    ajv.addSchema({ ...all, $id: 'mcp://schema' });
    for (const [name, definition] of Object.entries<Definitions>(all[key])) {
        const method = definition['properties']?.method?.const;
        if (typeof method === 'string' && /(Request|Notification)$/.test(name) && !/^(Client|Server)/.test(name)) judge.byMethod.set(method, name);
        for (const part of definition['properties']?.error?.allOf ?? []) {
            const code = part.properties?.code?.const;
            if (typeof code === 'number') judge.byCode.set(code, name);
        }
    }
    judge.check = (name, value) => {
        const validate: ValidateFunction = compiled.get(name) ?? ajv.compile({ $ref: `mcp://schema#/${key}/${name}` });
        compiled.set(name, validate);
        return validate(value) ? [] : validate.errors!.map((each: ErrorObject) => `${name}${each.instancePath}: ${each.message}`);
    };
    return judge;
}

let judges: Map<string, Judge> | undefined;

/** What is wrong with a message of a server; of a response, `method` is that of its request. */
export function faults(revision: string, message: Message, method?: string): string[] {
    judges ??= new Map(Object.entries(bundled()).map(([each, schema]) => [each, judgeOf(schema)]));
    const judge = judges.get(revision)!;
    const named = (...names: string[]) => names.find((name) => judge.has(name))!;

    if (typeof message['method'] === 'string')
        return judge.check(judge.byMethod.get(message['method']) ?? ('id' in message ? 'JSONRPCRequest' : 'JSONRPCNotification'), message);
    if (message['error'] !== undefined) {
        // What could not be read has no id (MCP, the transports), or null (JSON-RPC 2.0 section 5); schemas before 2025-11-25 want one.
        const known = message['id'] === undefined || message['id'] === null ? { ...message, id: 0 } : message;
        return judge.check(judge.byCode.get(message['error'].code) ?? named('JSONRPCErrorResponse', 'JSONRPCError'), known);
    }
    const type = message['result']?.resultType;
    const isTask = method === 'tools/call' && revision === '2025-11-25' && message['result']?.task !== undefined;
    const of = type === 'input_required' ? 'InputRequiredResult' : isTask ? 'CreateTaskResult' : judge.byMethod.get(method ?? '')?.replace(/Request$/, 'Result');
    const result = type !== 'task' && of !== undefined && judge.has(of) ? judge.check(of, message['result']) : [];
    return [...result, ...judge.check(named('JSONRPCResultResponse', 'JSONRPCResponse'), message)];
}
