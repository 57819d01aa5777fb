// Opens connections to a port, says the same on each, holds them until its stdin closes: crowd.ts PORT COUNT TEXT.

import { connect } from 'node:net';
import type { Socket } from 'node:net';

const [port, count, text] = process.argv.slice(2);
const sockets: Socket[] = [];

for (let i = 0; i < Number(count); i++) {
    const socket = connect({ port: Number(port), host: '127.0.0.1' });
    socket.on('error', () => {}).resume();
    if (text) socket.write(text);
    sockets.push(socket);
    if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 10));
}
console.log('there');
process.stdin.on('end', () => process.exit(0)).resume();
