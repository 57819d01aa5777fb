// The shim of shim.c from outside: builds it, tells it which call shall fail, and asks how many it saw.

import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The kinds of calls, in the order of shim.c. */
const CLASSES = ['none', 'alloc', 'alloc-aside', 'read', 'write', 'descriptor', 'short', 'interrupt'] as const;

export type CallClass = Exclude<(typeof CLASSES)[number], 'none'>;

// The places of struct control, in words of 8 bytes.
const WORD = 8;
const PLACE = { class: 0, nth: 1, span: 2, seen: 3, failed: 4, pid: 5, blocks: 6, base: 7, frames: 8 };
const FRAMES = 24;
const WORDS = PLACE.frames + FRAMES;

let built: { directory: string; library: string } | undefined;

/** Compiles the library, once; it goes when this process ends. */
function library(): string {
    if (built === undefined) {
        const directory = mkdtempSync(join(tmpdir(), 'gatehouse-shim-'));
        built = { directory, library: join(directory, 'shim.so') };
        process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
        const options = ['-std=gnu17', '-D_GNU_SOURCE', '-O2', '-g', '-fno-omit-frame-pointer', '-fPIC', '-shared', '-fno-builtin'];
        const warnings = ['-Wall', '-Wextra', '-Werror'];
        const source = join(import.meta.dirname, 'shim.c');
        execFileSync('cc', [...options, ...warnings, '-o', built.library, source, '-ldl', '-lgcc_s']);
    }
    return built.library;
}

export class Shim {
    #path: string;
    #fd: number;

    /** `directory` is where its file lies; it stays until the directory goes. */
    constructor(directory: string) {
        this.#path = join(directory, 'fault-control');
        this.#fd = openSync(this.#path, 'w+', 0o600);
        writeSync(this.#fd, Buffer.alloc(WORDS * WORD));
    }

    /** What the program's environment needs. AddressSanitizer comes after us, and sees what does not fail. */
    environment(program: string): Record<string, string> {
        return {
            LD_PRELOAD: library(),
            FAULT_PROGRAM: program,
            FAULT_CONTROL: this.#path,
            ASAN_OPTIONS: 'verify_asan_link_order=0:detect_leaks=1:detect_stack_use_after_return=1:allocator_may_return_null=1',
            UBSAN_OPTIONS: 'halt_on_error=1:print_stacktrace=1',
        };
    }

    close(): void {
        closeSync(this.#fd);
    }

    /** From now on the nth call of the class fails, and `span` - 1 after it; with 0 they are only counted. */
    arm(of: CallClass, nth: number, span = 1): void {
        this.#write('class', 0);
        this.#write('nth', nth);
        this.#write('span', span);
        this.#write('seen', 0);
        this.#write('failed', 0);
        this.#write('class', CLASSES.indexOf(of));
    }

    /** How many calls there were since, and how many of them failed. */
    disarm(): { seen: number; failed: number } {
        this.#write('class', 0);
        return { seen: this.#read('seen'), failed: this.#read('failed') };
    }

    /** Blocks of memory in use. */
    get blocks(): number {
        return this.#read('blocks');
    }

    /** Whether the program has taken the shim in. */
    get isIn(): boolean {
        return this.#read('pid') !== 0;
    }

    /** Functions of the program from which the last call came that failed, innermost first. */
    caller(program: string): string {
        const base = this.#read('base');
        const frames = Array.from({ length: FRAMES }, (_, i) => this.#readAt(PLACE.frames + i));
        const inside = frames.filter((at) => at > base && at - base < 1 << 28).map((at) => `0x${(at - base - 1).toString(16)}`);
        if (inside.length === 0) return 'outside of the program';
        const lines = execFileSync('addr2line', ['-fse', program, ...inside], { encoding: 'utf8' }).trim().split('\n');
        const names = lines.map((line, i) => (i % 2 === 0 ? line : line.replace(/ .*/, ''))).map((line) => line.trim());
        const pairs = names.flatMap((name, i) => (i % 2 === 0 && name !== '??' ? [`${name} ${names[i + 1]}`] : []));
        return pairs.slice(0, 8).join(' < ');
    }

    #write(place: keyof typeof PLACE, value: number): void {
        const word = Buffer.alloc(WORD);
        word.writeBigUInt64LE(BigInt(value));
        writeSync(this.#fd, word, 0, WORD, PLACE[place] * WORD);
    }

    #read(place: keyof typeof PLACE): number {
        return this.#readAt(PLACE[place]);
    }

    #readAt(index: number): number {
        const word = Buffer.alloc(WORD);
        readSync(this.#fd, word, 0, WORD, index * WORD);
        return Number(word.readBigInt64LE());
    }
}
