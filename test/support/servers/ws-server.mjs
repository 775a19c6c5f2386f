// A WebSocket server of the npm package ws, which most of Node's tools use. It sends everything back, and does what a
// text that begins with a slash tells it to. Says on stdout what it sees.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: { threshold: 0 } }, () =>
	console.log(`listening ${server.address().port}`),
);
server.on("connection", (socket) => {
	console.log(`opened with ${JSON.stringify(socket.extensions)}`);
	socket.on("message", (data, binary) => {
		const text = binary ? "" : data.toString();
		if (text === "/close") socket.close(4002, "as you wish");
		else if (text === "/ping") socket.ping("are you there");
		else if (text === "/terminate") socket.terminate();
		else socket.send(data, { binary });
	});
	socket.on("pong", (data) => socket.send(`/pong ${data}`));
	socket.on("close", (code, reason) => console.log(`closed with ${code} ${reason}`));
	socket.on("error", (error) => console.log(`error: ${error.message}`));
});
