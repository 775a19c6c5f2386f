// The shop's WebSocket: it sends back what it gets.
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ host: "127.0.0.1", port: 4000 }, () => console.log("listening 4000"));
server.on("connection", (socket) => socket.on("message", (data) => socket.send(data.toString())));
