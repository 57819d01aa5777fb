// Our JSON Schema beside Ajv's, on generated pairs of schema and value: 2,000, in long runs 20,000. TEST_SEED=N repeats a run.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isLong } from '../e2e/harness.ts';
import { Generator } from './generate.ts';
import { ajvOf, assertBothCommon, compare, judged } from './peers.ts';

const seed = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
const count = isLong ? 20_000 : 2_000;

test(`Ajv finds the same values valid as we do (TEST_SEED=${seed})`, () => {
    const generator = new Generator(seed);

    assertBothCommon(compare(Array.from({ length: count }, () => generator.pair())));
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
