// Both sides of the comparison: our validator, and Ajv's for 2020-12.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json, Schema } from './generate.ts';

export const built = (program: string) => join(import.meta.dirname, '../../', process.env.TEST_BUILD ?? 'build', program);

export type Pair = { schema: Schema; value: Json };
export type Answer = { verdict: string; words: string };

/** What our validator says of each. */
export function judged(pairs: Pair[]): Answer[] {
    const input = pairs.map(({ schema, value }) => `${JSON.stringify(schema)}\t${JSON.stringify(value)}\n`).join('');
    const { stdout, stderr, status } = spawnSync(built('tests/schema/schema-judge'), { input, encoding: 'utf8', maxBuffer: 2 ** 30 });
    assert.deepEqual({ stderr, status }, { stderr: '', status: 0 });
    return stdout
        .trimEnd()
        .split('\n')
        .map((line) => ({ verdict: line.slice(0, line.indexOf('\t')), words: line.slice(line.indexOf('\t') + 1) }));
}

export const ajvOf = (options = {}) => new Ajv2020({ strict: false, validateFormats: false, addUsedSchema: false, validateSchema: false, logger: false, ...options });

/** Some code that Ajv makes for references and `unevaluated...` uses a variable that is not there: no verdict of 1 in 1,000. */
function asked(ajv: Ajv2020, schema: Schema, value: Json): 'valid' | 'invalid' | 'broken' {
    try {
        return ajv.validate(schema, value) ? 'valid' : 'invalid';
    } catch (error) {
        if (error instanceof ReferenceError || error instanceof TypeError) return 'broken';
        throw error;
    }
}

/** Asks both about each; how often Ajv said what, if they agree. */
export function compare(pairs: Pair[]): { valid: number; invalid: number; broken: number } {
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
    return verdicts;
}

/** Both verdicts are common, and Ajv has nearly always one. */
export function assertBothCommon(verdicts: ReturnType<typeof compare>): void {
    const count = verdicts.valid + verdicts.invalid + verdicts.broken;
    assert.ok(Math.min(verdicts.valid, verdicts.invalid) >= count / 5 && verdicts.broken <= count / 100, `both verdicts must be common: ${JSON.stringify(verdicts)}`);
}
