// Our JSON Schema beside Ajv's, on generated pairs of schema and value: 2,000, in long runs 20,000. TEST_SEED=N repeats a run.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { Generator } from './generate.ts';
import type { Json, Schema } from './generate.ts';

const judge = join(import.meta.dirname, '../../', process.env.TEST_BUILD ?? 'build', 'tests/schema/schema-judge');
const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const count = process.env.TEST_LONG ? 20_000 : 2_000;

type Pair = { schema: Schema; value: Json };
type Answer = { verdict: string; words: string };

/** What our validator says of each. */
function judged(pairs: Pair[]): Answer[] {
    const input = pairs.map(({ schema, value }) => `${JSON.stringify(schema)}\t${JSON.stringify(value)}\n`).join('');
    const { stdout, stderr, status } = spawnSync(judge, { input, encoding: 'utf8', maxBuffer: 2 ** 30 });
    assert.deepEqual({ stderr, status }, { stderr: '', status: 0 });
    return stdout
        .trimEnd()
        .split('\n')
        .map((line) => ({ verdict: line.slice(0, line.indexOf('\t')), words: line.slice(line.indexOf('\t') + 1) }));
}

const ajvOf = (options = {}) => new Ajv2020({ strict: false, validateFormats: false, addUsedSchema: false, validateSchema: false, logger: false, ...options });

/** Some code that Ajv makes for references and `unevaluated...` uses a variable that is not there: no verdict of 1 in 1,000. */
function asked(ajv: Ajv2020, schema: Schema, value: Json): 'valid' | 'invalid' | 'broken' {
    try {
        return ajv.validate(schema, value) ? 'valid' : 'invalid';
    } catch (error) {
        if (error instanceof ReferenceError || error instanceof TypeError) return 'broken';
        throw error;
    }
}

test(`Ajv finds the same values valid as we do (TEST_SEED=${seed})`, () => {
    const generator = new Generator(seed);
    const pairs = Array.from({ length: count }, () => generator.pair());
    const differences: string[] = [];
    const verdicts = { valid: 0, invalid: 0, broken: 0 };
    const ajv = ajvOf();

    judged(pairs).forEach((ours, at) => {
        const { schema, value } = pairs[at]!;
        const theirs = asked(ajv, schema, value);
        verdicts[theirs]++;
        if (theirs === 'broken') return;
        if (ours.verdict !== theirs) differences.push(`Ajv: ${theirs}, ours: ${ours.verdict} ${ours.words}\n  ${JSON.stringify(schema)}\n  ${JSON.stringify(value)}`);
    });
    assert.deepEqual(differences.sort((a, b) => a.length - b.length).slice(0, 3), [], `${differences.length} differences`);
    assert.ok(Math.min(verdicts.valid, verdicts.invalid) >= count / 5 && verdicts.broken <= count / 100, `both verdicts must be common: ${JSON.stringify(verdicts)}`);
});

test(`Ajv fills in the same defaults as we do (TEST_SEED=${seed})`, () => {
    const generator = new Generator(seed);
    const pairs = Array.from({ length: count / 10 }, () => ({ schema: generator.defaults(4), value: generator.value(3) }));

    const ajv = ajvOf({ useDefaults: true });

    judged(pairs).forEach((ours, at) => {
        const filled = structuredClone(pairs[at]!.value);
        ajv.validate(pairs[at]!.schema, filled);
        assert.deepEqual(JSON.parse(ours.words), filled, JSON.stringify(pairs[at]));
    });
});
