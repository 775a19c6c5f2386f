// Rows in columns.
import { expect, test } from "bun:test";
import { columns } from "../../../src/base/columns.ts";

test("each column is as wide as its widest cell, by what a terminal shows, and no line ends in spaces", () => {
	const rows = [
		["web", "http://localhost:3000", "up"],
		["蜂の巣", "tcp://db:1", ""],
		["x", "y"],
	];
	expect(columns(rows)).toEqual(["web      http://localhost:3000   up", "蜂の巣   tcp://db:1", "x        y"]);
	expect(columns([])).toEqual([]);
});
