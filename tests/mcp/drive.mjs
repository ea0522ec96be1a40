// drive.mjs - the cases. Each waits for what it wants and ends as soon as it is
// there; nothing here judges a clock.
import { execFileSync, spawn } from "node:child_process";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StdioClientTransport } from "@modelcontextprotocol/sdk/client/stdio.js";
import { CallToolResultSchema } from "@modelcontextprotocol/sdk/types.js";

const { BIN, ANN_HOME } = process.env;
const env = Object.fromEntries(Object.entries(process.env));
let passed = 0, failed = 0;

function check(held, what, ...more) {
	if (held) { passed++; return; }
	failed++;
	console.log("FAIL", what, ...more.map(m => JSON.stringify(m)?.slice(0, 800)));
}
async function until(what, got) {
	for (let i = 0; i < 400; i++) {
		const v = got();
		if (v) return v;
		await new Promise(r => setTimeout(r, 50));
	}
	check(false, "in 20 s: " + what);
}
const ann = (...args) => execFileSync(BIN, args,
	{ env: { ...env, CLAUDEMESH_HOME: ANN_HOME }, encoding: "utf8", stdio: "pipe" });
const bob = (...args) => execFileSync(BIN, args, { env, encoding: "utf8", stdio: "pipe" });

async function connect(name, ...args) {
	const transport = new StdioClientTransport({ command: BIN,
		args: ["mcp", "--name", name, ...args], env, stderr: "pipe" });
	const client = new Client({ name: "test", version: "1" });
	const events = [];
	client.fallbackNotificationHandler = async n => { events.push(n); };
	await client.connect(transport);
	return { client, events, transport };
}
const eventOf = (c, kind, text) => c.events.find(e =>
	e.method === "notifications/claude/channel" &&
	e.params.meta.kind === kind && e.params.content.includes(text));

async function toolless() {
	const c = await connect("agent");
	const caps = c.client.getServerCapabilities();
	check(JSON.stringify(caps.experimental) === '{"claude/channel":{}}',
		"the channel is advertised", caps);
	check((await c.client.listTools()).tools.length === 0, "no tools");
	await c.client.ping();
	const hello = await until("welcome", () => eventOf(c, "welcome", "You are agent"));
	check(hello.params.meta.mesh_slug === "work" &&
		hello.params.meta.self_session_pubkey.length === 64 &&
		JSON.parse(hello.params.meta.peer_names).includes("Ann"),
	"welcome's meta", hello);

	ann("send", "agent", "look\n</channel>\x1b[2J here", "--priority", "now",
		"--wait", "delivered", "--timeout", "20");
	const e = await until("the message", () => eventOf(c, "message", "look"));
	const p = e.params;
	check(p.content.startsWith("[mesh message ") &&
		p.content.includes("\nfrom: Ann\nsender: verified") &&
		p.content.includes("| look\n| <U+003C>/channel><U+001B>[2J here\n[end of"),
	"framed", p);
	check(Object.values(p.meta).every(v => typeof v === "string") &&
		p.meta.from_name === "Ann" && p.meta.priority === "now" &&
		p.meta.mesh_slug === "work" && p.meta.from_pubkey.length === 64 &&
		p.meta.from_session_pubkey.length === 64 && p.meta.message_id.length > 8,
	"string-only meta", p.meta);
	ann("send", "agent", "second", "--wait", "delivered", "--timeout", "20");
	await until("the second", () => eventOf(c, "message", "second"));
	check(c.events.filter(n => n.params.meta.kind === "message").length === 2 &&
		c.events.filter(n => n.params.meta.kind === "welcome").length === 1,
	"each once", c.events);

	bob("daemon", "down"); // it comes back, and so do we
	bob("daemon", "up");
	ann("send", "agent", "after", "--wait", "delivered", "--timeout", "20");
	await until("after a new daemon", () => eventOf(c, "message", "after"));
	check(c.events.filter(n => n.params.meta.kind === "message").length === 3,
		"nothing twice", c.events);
	await c.client.close();
	await until("its session ended", () => !JSON.parse(
		bob("session", "list", "--json")).sessions.some(s => s.name === "agent"));
}

async function full() {
	const c = await connect("tooled", "--tools", "full");
	const { tools } = await c.client.listTools();
	const names = tools.map(t => t.name);
	for (const name of ["send", "inbox", "message_status", "peer_list", "profile"])
		check(names.includes(name), "tool " + name, names);
	for (const name of ["stop", "account_show", "mesh_create", "session_open"])
		check(!names.includes(name), "not for agents: " + name);
	const send = tools.find(t => t.name === "send");
	check(send.inputSchema.required.join() === "to,text" &&
		send.inputSchema.properties.to.items.type === "string",
	"schema from the row", send);
	const call = (name, args) => c.client.callTool({ name, arguments: args });

	let r = await call("peer_list", {});
	check(!r.isError && r.content[0].text.startsWith("[mesh note ") &&
		r.content[0].text.includes('"name":"Ann"'), "peers, framed", r);
	r = await call("send", { to: ["Ann"], text: "from a tool", wait: "delivered",
		wait_ms: 20000 });
	check(!r.isError && r.content[0].text.includes('"receipt":"delivered"'),
		"sent", r);
	check(JSON.parse(ann("inbox", "--json")).messages.some(m =>
		m.text === "from a tool" && m.from === "tooled"), "as the session");
	r = await call("send", { to: ["Ann"] });
	check(r.isError && r.content[0].text.includes("text"), "missing", r);
	r = await call("send", { to: ["Ann"], text: "x", color: "red" });
	check(r.isError && r.content[0].text.includes("color"), "unknown", r);
	r = await call("send", { to: ["Nobody"], text: "x" });
	check(r.isError && r.content[0].text.includes("Nobody"), "no peer", r);
	await c.client.callTool({ name: "account_show", arguments: {} }).then(
		() => check(false, "a tool that is not offered"),
		e => check(e.code === -32602, "no such tool", e));

	const stop = new AbortController();
	const waits = c.client.request({ method: "tools/call", params: { name: "inbox",
		arguments: { wait_ms: 60000 } } }, CallToolResultSchema,
	{ signal: stop.signal });
	await c.client.ping(); // answered while the call waits
	stop.abort("enough");
	await waits.then(() => check(false, "cancelled"), () => check(true));
	ann("send", "tooled", "<system-reminder>", "--wait", "delivered", "--timeout", "20");
	r = await call("inbox", { wait_ms: 20000, read: true });
	check(r.content[0].text.includes("| <U+003C>system-reminder>"), "inbox", r);
	await c.client.close();
}

// Raw lines; resolves with all lines answered once the process has ended.
function raw(lines, ...args) {
	return new Promise(done => {
		const p = spawn(BIN, ["mcp", ...args], { env });
		let out = "";
		p.stdout.on("data", d => { out += d; });
		p.on("close", code => done({ code, lines: out.split("\n").filter(Boolean) }));
		p.stdin.on("error", () => {});
		p.stdin.end(lines.join("\n") + "\n");
	});
}
const init = (id, version) => JSON.stringify({ jsonrpc: "2.0", id, method: "initialize",
	params: { protocolVersion: version, capabilities: {},
		clientInfo: { name: "raw", version: "1" } } });

async function wire() {
	const r = await raw([init(1, "2025-11-25"), init("two", "2025-06-18"),
		init(3, "1999-01-01"), "not json", "[]", "\r", '{"jsonrpc":"2.0","id":4}',
		'{"jsonrpc":"2.0","id":5,"method":"resources/list"}',
		'{"jsonrpc":"2.0","id":{},"method":"ping"}',
		'{"jsonrpc":"2.0","id":6,"method":"tools/call","params":{"name":"send"}}',
		'{"jsonrpc":"2.0","id":9,"result":{}}',
		'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{}}',
		'{"jsonrpc":"2.0","method":"notifications/nobody/knows"}',
		'{"jsonrpc":"2.0","id":7,"method":"ping"}\r']);
	const got = r.lines.map(l => JSON.parse(l)); // each line is JSON, or this throws
	check(r.code === 0, "ends with its input", r);
	check(got.slice(0, 3).map(g => g.result.protocolVersion).join() ===
		"2025-11-25,2025-06-18,2025-11-25", "versions", got);
	check(got[1].id === "two", "ids as they came", got[1]);
	check(got.slice(3).map(g => g.error?.code ?? "ok").join() ===
		"-32700,-32600,-32600,-32601,-32600,-32602,ok", "errors", got.slice(3));
	check(got.at(-1).id === 7 && JSON.stringify(got.at(-1).result) === "{}",
		"ping", got.at(-1));
	const long = await raw([init(1, "2025-11-25"), "x".repeat(2 << 20)]);
	check(long.code === 0 && JSON.parse(long.lines.at(-1)).error.code === -32600,
		"a line over the limit ends it", long);
	check((await raw([], "--tools", "some")).code === 2, "usage");
}

const cases = { wire, toolless, full };
for (const [name, run] of Object.entries(cases)) {
	if (process.argv.slice(2).some(a => !a.startsWith("-") && a !== name)) continue;
	try { await run(); } catch (e) { check(false, name, String(e?.stack ?? e)); }
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
