// The child that Gatehouse starts for a scripted server: it only carries lines between its stdin and stdout and the
// socket of the runner, where the script is played.

import net from 'node:net';
import { writeSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { FromChild, ToChild } from './stdio-wire.ts';

const socket = net.connect(process.argv[2]);
const tell = (frame: FromChild) => socket.write(`${JSON.stringify(frame)}\n`);

let rest = ''; // what no newline ends is no line: its writer failed within it
process.stdin.setEncoding('utf8');
process.stdin.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) tell({ line });
});
process.stdin.on('end', () => tell({ endOfInput: true }));

createInterface({ input: socket }).on('line', (line) => {
    const frame = JSON.parse(line) as ToChild;
    if ('exit' in frame) process.exit(frame.exit);
    writeAll(frame.write === 'stdout' ? 1 : 2, Buffer.from(frame.text));
});
socket.on('close', () => process.exit(0));
socket.on('error', () => process.exit(1));

/** Whole and at once, so that an exit after it loses nothing. */
function writeAll(fd: number, bytes: Buffer): void {
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
}
