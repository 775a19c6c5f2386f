// The shop's API, for the page of another origin: a session in a cookie, server-sent events, files up and down.
import { createHash } from "node:crypto";
import busboy from "busboy";
import express from "express";

const PAGE = "http://localhost:3000";
const app = express();

app.use((request, response, next) => {
	response.set({ "Access-Control-Allow-Origin": PAGE, "Access-Control-Allow-Credentials": "true" });
	response.set({ "Access-Control-Allow-Headers": "Content-Type", Vary: "Origin" });
	if (request.method === "OPTIONS") return response.sendStatus(204);
	next();
});

app.get("/login", (request, response) => {
	response.cookie("session", "ada", { httpOnly: true, sameSite: "lax" });
	response.redirect(request.query.back);
});

app.get("/session", (request, response) => {
	response.json({ name: /session=(\w+)/.exec(request.headers.cookie ?? "")?.[1] });
});

// One event a second, as many as are asked for.
app.get("/events", (request, response) => {
	response.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-cache" }).flushHeaders();
	let number = 0;
	const timer = setInterval(() => {
		response.write(`data: ${++number}\n\n`);
		if (number === Number(request.query.count)) response.end();
	}, 1000);
	response.on("close", () => clearInterval(timer));
});

// A form with one file: its name, size and hash.
app.post("/upload", (request, response) => {
	const hash = createHash("sha256");
	let bytes = 0;
	const form = busboy({ headers: request.headers });
	form.on("file", (_field, stream, { filename }) => {
		stream.on("data", (chunk) => {
			bytes += chunk.length;
			hash.update(chunk);
		});
		stream.on("end", () => response.json({ filename, bytes, sha256: hash.digest("hex") }));
	});
	request.pipe(form);
});

app.get("/file", (request, response) => response.sendFile(request.query.path, { dotfiles: "allow" }));

app.listen(8000, "127.0.0.1", () => console.log("listening 8000"));
