// A client of the shop's WebSocket that is silent for as many seconds as it is told, and then expects to be heard.
import { WebSocket } from "ws";

const socket = new WebSocket("ws://localhost:4000");
const say = (text) =>
	new Promise((resolve, reject) => {
		socket.once("message", (data) => resolve(data.toString()));
		socket.once("close", (code) => reject(new Error(`closed with ${code}`)));
		socket.send(text);
	});
await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
console.log(await say("before"));
await new Promise((resolve) => setTimeout(resolve, Number(process.argv[2]) * 1000));
console.log(await say("after"));
socket.terminate();
