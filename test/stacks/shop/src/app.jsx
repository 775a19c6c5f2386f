import { useEffect, useState } from "react";
import { total } from "./modules/0.js";
import { Title } from "./title.jsx";

/** What the API and the WebSocket say, each as a line of its own. */
export function App() {
	const [user, setUser] = useState("…");
	const [echo, setEcho] = useState("…");
	useEffect(() => {
		const ask = async () => {
			const response = await fetch("http://localhost:8000/session", { credentials: "include" });
			setUser((await response.json()).name ?? "nobody");
		};
		ask().catch(({ message }) => setUser(message));
		const socket = new WebSocket("ws://localhost:4000");
		socket.onopen = () => socket.send("hello");
		socket.onmessage = ({ data }) => setEcho(data);
		return () => socket.close();
	}, []);
	return (
		<main>
			<Title />
			<p id="modules">{total} modules</p>
			<p id="user">signed in: {user}</p>
			<p id="echo">echo: {echo}</p>
			<a href="http://localhost:8000/login?back=http://localhost:3000/">Sign in</a>
		</main>
	);
}
