// What ws-server.mjs does, with Bun's own server.

const server = Bun.serve({
	hostname: "127.0.0.1",
	port: 0,
	idleTimeout: 0,
	fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("no upgrade", { status: 426 })),
	websocket: {
		perMessageDeflate: true,
		maxPayloadLength: 64 * 1024 * 1024,
		backpressureLimit: 64 * 1024 * 1024,
		message(socket, data) {
			if (data === "/close") socket.close(4002, "as you wish");
			else if (data === "/ping") socket.ping("are you there");
			else if (data === "/terminate") socket.terminate();
			else socket.send(data, true);
		},
		pong: (socket, data) => void socket.send(`/pong ${data}`),
		close: (_socket, code, reason) => console.log(`closed with ${code} ${reason}`),
	},
});
console.log(`listening ${server.port}`);
