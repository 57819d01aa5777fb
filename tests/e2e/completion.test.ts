// What the shell is given to complete by: names that others have written are never run, nor put on the line as if typed.

import { deepEqual, equal } from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { atEnd, built } from './harness.ts';

const hostile = '$(touch HOLE) `touch HOLE`; touch HOLE';

/** A home of one's own, where commands run; `complete` is what bash offers for the last of the words. */
function home(t: TestContext) {
    const path = mkdtempSync(join(tmpdir(), 'gatehouse-completion-'));
    const env = { ...process.env, GATEHOUSE_HOME: path, HOME: path, PATH: `${dirname(built('gatehouse'))}:${process.env['PATH']}` };
    const gatehouse = (...words: string[]) => execFileSync(built('gatehouse'), words, { env, cwd: path, encoding: 'utf8' });
    const script = `source <(gatehouse completion bash)
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)); _gatehouse; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const complete = (...words: string[]) =>
        execFileSync('bash', ['-c', script, 'bash', ...words], { env, cwd: path, encoding: 'utf8' }).trimEnd().split('\n');
    /** Words that bash has read again: what a person would have typed. */
    const unquoted = (line: string) => execFileSync('bash', ['-c', `printf %s ${line}`], { env, cwd: path, encoding: 'utf8' });

    atEnd(t, () => rmSync(path, { recursive: true }));
    return { path, gatehouse, complete, unquoted };
}

test('commands, those of a group, and their options are completed', { timeout: 30000 }, (t) => {
    const { complete } = home(t);

    deepEqual(complete('gatehouse', 'snap'), ['snapshots']);
    deepEqual(complete('gatehouse', 'snapshots', 'ver'), ['versions', 'verify']);
    deepEqual(complete('gatehouse', 'snapshots', 'list', '--ta'), ['--tag']);
    deepEqual(complete('gatehouse', 'logs', '--serv'), ['--server']);
});

test('a name that another has written is offered as a word, and not run', { timeout: 30000 }, (t) => {
    const { path, gatehouse, complete, unquoted } = home(t);

    writeFileSync(join(path, 'mcp.json'), JSON.stringify({ mcpServers: { [hostile]: { command: 'x' } } }), { mode: 0o600 });
    gatehouse('snapshots', 'save', 'A', '--context', 'x', '--name', hostile, '--project', 'two words');
    for (const words of [['remove', ''], ['snapshots', 'show', ''], ['snapshots', 'list', '--name', '']]) {
        const offered = complete('gatehouse', ...words).filter((name) => name !== 'snapshots'); // built in
        deepEqual(offered.map(unquoted), [hostile]);
    }
    deepEqual(complete('gatehouse', 'snapshots', 'list', '--project', ''), ['two\\ words']);
    equal(readdirSync(path).includes('HOLE'), false);
});
