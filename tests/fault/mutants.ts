// script/test --mutants [WORD]: do the tests notice? Plants each fault of mutants.txt whose name or file holds WORD, one at a time,
// in a copy of the tree (build-mutants/tree, which has a build of its own with the sanitizers), and plays the tests that
// should turn red. A mutant that no test notices has survived, and fails the run. The last line is the sum.

import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fault, parseTable, stageFile, tablePath } from './mutants-table.ts';
import type { Mutant, Stage } from './mutants-table.ts';

const root = join(import.meta.dirname, '../..');
const tree = join(root, 'build-mutants/tree');
const build = join(tree, 'build');
const UNIT_LIMIT_MS = 120000;
const STAGE_LIMIT_MS = 300000;

/** Programs of the copy that a planted fault let live. */
function endStrays(): void {
    for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
        try {
            if (readlinkSync(`/proc/${pid}/exe`).startsWith(build)) process.kill(Number(pid), 'SIGKILL');
        } catch {} // gone, or not ours to see
    }
}

let running: number | undefined; // a group
for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
        if (running !== undefined) process.kill(-running, 'SIGKILL');
        endStrays();
        process.exit(1);
    });

type Outcome = { status: number | string; text: string };

/** Runs to the end, or for so long; in a group of its own, so that nothing of it is left. */
async function run(command: string[], limitMs: number, cwd = tree): Promise<Outcome> {
    const env = { ...process.env, ASAN_OPTIONS: 'detect_stack_use_after_return=1', UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1' };
    const child = spawn(command[0]!, command.slice(1), { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    let late = false;

    running = child.pid;
    const end = () => {
        try {
            process.kill(-child.pid!, 'SIGKILL');
        } catch {} // it has ended
    };
    const timer = setTimeout(() => ((late = true), end()), limitMs);

    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (text = (text + data).slice(-200000)));
    const status = await new Promise<number | string>((resolve) => child.on('close', (code, signal) => resolve(code ?? signal ?? '?')));
    clearTimeout(timer);
    end();
    running = undefined;
    endStrays();
    return { status: late ? `not done within ${limitMs / 1000} s` : status, text };
}

// The copy ----------------------------------------------------------------------------------------------------------

function* filesBelow(folder: string): Generator<string> {
    for (const entry of readdirSync(join(tree, folder), { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (path === 'build' || path === 'tests/node_modules') continue;
        if (entry.isDirectory()) yield* filesBelow(path);
        else yield path;
    }
}

/** What git has and would have, written only where it differs: so ninja builds only what changed since the last run. */
function copyTree(): void {
    const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' });
    const wanted = new Set(listed.split('\0').filter((path) => path !== '' && existsSync(join(root, path))));

    for (const path of wanted) {
        const [from, to] = [join(root, path), join(tree, path)];
        const bytes = readFileSync(from);
        if (existsSync(to) && readFileSync(to).equals(bytes)) continue;
        mkdirSync(dirname(to), { recursive: true });
        writeFileSync(to, bytes);
        chmodSync(to, statSync(from).mode & 0o777);
    }
    for (const path of [...filesBelow('')]) if (!wanted.has(path)) rmSync(join(tree, path));
    if (!existsSync(join(tree, 'tests/node_modules'))) symlinkSync(join(root, 'tests/node_modules'), join(tree, 'tests/node_modules'));
}

async function must(command: string[]): Promise<void> {
    const { status, text } = await run(command, 1800000);
    if (status !== 0) throw new Error(`${command.join(' ')}: ${status}\n${text.slice(-4000)}`);
}

async function setUp(): Promise<void> {
    mkdirSync(tree, { recursive: true });
    copyTree();
    if (existsSync(join(build, 'build.ninja'))) return;
    await must(['meson', 'setup', build, '-Dbench=true', '-Dwerror=false', '-Db_lto=false', '-Doptimization=1', '-Db_sanitize=address,undefined']);
}

// The tests ---------------------------------------------------------------------------------------------------------

const program = (stage: Stage) => `tests/unit/${stage.what.replaceAll('/', '-')}_test`;
const targets = (stage: Stage) =>
    stage.kind === 'unit' ? [program(stage), 'gatehouse-helper'] : ['gatehouse', 'gatehouse-helper', 'bench/echo_http', 'bench/echo_stdio', 'bench/load'];

/** Test programs that a unit test starts stand beside it in the build. */
async function builds(stages: Stage[]): Promise<Outcome> {
    const all = execFileSync('ninja', ['-C', build, '-t', 'targets', 'all'], { encoding: 'utf8', maxBuffer: 1 << 28 });
    const peers = [...all.matchAll(/^(tests\/unit\/[\w/-]*(?:peer|owner)): /gm)].map((match) => match[1]!);
    const wanted = new Set([...stages.flatMap(targets), ...(stages.some(({ kind }) => kind === 'unit') ? peers : [])]);
    return await run(['ninja', '-C', build, '-j', '2', ...wanted], 1800000);
}

async function plays(stage: Stage): Promise<Outcome> {
    const node = [process.execPath, '--disable-warning=ExperimentalWarning'];

    if (stage.kind === 'unit') return await run([join(build, program(stage))], UNIT_LIMIT_MS, build);
    if (stage.kind === 'scenarios') return await run([join(tree, 'tests/scenarios/run'), `${stage.what}/`], STAGE_LIMIT_MS);
    return await run([...node, '--test', join(tree, stageFile(stage))], STAGE_LIMIT_MS);
}

const nameOf = (stage: Stage) => `${stage.kind} ${stage.what}`;

/** Without a fault all must be green, or red would say nothing. */
async function unharmed(mutants: Mutant[]): Promise<Set<string>> {
    const stages = new Map(mutants.flatMap((mutant) => mutant.red).map((stage) => [nameOf(stage), stage]));
    const built = await builds([...stages.values()]);
    const broken = new Set<string>();

    if (built.status !== 0) throw new Error(`the tree does not build:\n${built.text.slice(-4000)}`);
    for (const [name, stage] of stages) {
        const { status, text } = await plays(stage);
        if (status === 0) continue;
        broken.add(name);
        console.log(`${name} is red without any fault planted: ${status}\n${text.slice(-2000)}`);
    }
    return broken;
}

/** The first test that a failed run names. */
function witness(text: string): string {
    const [, unit] = /^\[  FAILED  \] (?:\w+: )?(\w+)/m.exec(text) ?? [];
    const [, scenario] = /^tests\/scenarios\/(\S+\.scn):\d+: /m.exec(text) ?? [];
    const [, behaviour] = /^\s*(?:not ok \d+ -|✖) (.*)$/m.exec(text) ?? [];
    const [, sanitizer] = /(?:ERROR: |runtime error: )(.*)/.exec(text) ?? [];
    return (unit ?? scenario ?? behaviour ?? sanitizer ?? text.trim().split('\n').at(-1) ?? '').slice(0, 100);
}

/** Resolves to what noticed, or to undefined. */
async function verdict(mutant: Mutant): Promise<{ killed?: string; broken?: string }> {
    const path = join(tree, mutant.file);
    const text = readFileSync(path, 'utf8');

    writeFileSync(path, text.replace(mutant.was, () => mutant.is));
    try {
        for (const stage of mutant.red) {
            const built = await builds([stage]);
            if (built.status !== 0) return { broken: `does not compile:\n${built.text.slice(-2000)}` };
            const { status, text } = await plays(stage);
            if (status !== 0) return { killed: `${nameOf(stage)}: ${typeof status === 'string' ? status : witness(text)}` };
        }
        return {};
    } finally {
        writeFileSync(path, text);
    }
}

async function main(word: string): Promise<boolean> {
    const mutants = parseTable(readFileSync(tablePath(root), 'utf8')).filter(({ name, file }) => `${name} ${file}`.includes(word));
    let failed = 0;

    await setUp();
    const broken = await unharmed(mutants.filter((mutant) => fault(tree, mutant) === undefined));
    for (const mutant of mutants) {
        const rotten = fault(tree, mutant) ?? mutant.red.map(nameOf).filter((name) => broken.has(name))[0];
        const began = performance.now();
        const { killed, broken: why } = rotten === undefined ? await verdict(mutant) : { broken: rotten };
        const took = `${((performance.now() - began) / 1000).toFixed(0)} s`.padStart(5);

        if (killed === undefined) failed++;
        if (killed !== undefined) console.log(`killed   ${took}  ${mutant.name}\n                 by ${killed}`);
        else if (why !== undefined) console.log(`NOT PLANTED     ${mutant.name}\n                 mutants.txt:${mutant.line}: ${why}`);
        else console.log(`SURVIVED ${took}  ${mutant.name}\n                 ${mutant.file}: ${mutant.is || '(nothing)'}`);
    }
    console.log(`${mutants.length - failed} passed, ${failed} failed`);
    return failed === 0 && mutants.length > 0;
}

process.exitCode = (await main(process.argv[2] ?? '')) ? 0 : 1;
