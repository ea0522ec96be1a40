// The ws package as the other end: `client URL` runs its checks and prints
// one line for each, `told URL` is closed by the server, `server` echoes and prints its port.
const { WebSocket, WebSocketServer } = require('ws');

const wait = (ws, event) => new Promise((done, fail) => {
	ws.once(event, (...args) => done(args));
	if (event !== 'error')
		ws.once('error', fail);
});

async function client(url) {
	const ws = new WebSocket(url, ['other', 'echo.1']); // offers deflate
	await wait(ws, 'open');
	console.log('protocol', ws.protocol);
	console.log('extensions', JSON.stringify(ws.extensions));
	let n = 0;
	const all = new Promise((done) => ws.on('message', function f(m) {
		if (m.toString() !== 'm' + n)
			throw new Error('out of order at ' + n);
		if (++n === 20000) {
			ws.off('message', f);
			done();
		}
	}));
	for (let i = 0; i < 20000; i++)
		ws.send('m' + i);
	await all;
	console.log('echoed', n);
	const big = 'ü'.repeat(450000);
	ws.send(big);
	console.log('big', (await wait(ws, 'message'))[0].toString() === big);
	const both = Promise.all([wait(ws, 'pong'), wait(ws, 'message')]);
	ws.send('frag', { fin: false });
	ws.ping('now');
	ws.send('ment', { fin: true });
	const [pong, message] = await both;
	console.log('pong', pong[0].toString());
	console.log('fragments', message[0].toString());
	ws.close(4321, 'enough');
	const [code, reason] = await wait(ws, 'close');
	console.log('closed', code, reason.toString());
	const binary = new WebSocket(url);
	await wait(binary, 'open');
	binary.send(Buffer.from([1, 2, 3]));
	console.log('binary', (await wait(binary, 'close'))[0]);
}

// The close is the server's doing: its code and its reason must come.
async function told(url) {
	const ws = new WebSocket(url);
	await wait(ws, 'open');
	ws.send('!close 4321 enough');
	const [code, reason] = await wait(ws, 'close');
	console.log('closed', code, reason.toString());
}

function server() {
	const wss = new WebSocketServer({
		host: '127.0.0.1', port: 0, perMessageDeflate: true,
		handleProtocols: (set) => set.has('echo.1') ? 'echo.1' : false,
	}, () => console.log('port', wss.address().port));
	wss.on('connection', (ws) => ws.on('message', async (data) => {
		const text = data.toString();
		if (text === '!ping') {
			ws.ping('abc');
			ws.send('ponged ' + (await wait(ws, 'pong'))[0]);
		} else if (text === '!fragments') {
			ws.send('a', { fin: false });
			ws.ping();
			ws.send('b', { fin: true });
		} else if (text.startsWith('!close'))
			ws.close(4002, 'go');
		else if (text === '!terminate')
			ws.terminate();
		else if (text === '!binary')
			ws.send(Buffer.from([1]), { binary: true });
		else
			ws.send(text);
	}));
}

if (process.argv[2] === 'server')
	server();
else
	(process.argv[2] === 'told' ? told : client)(process.argv[3]).then(() => process.exit(0), (e) => {
		console.log('failed', e.message);
		process.exit(1);
	});
