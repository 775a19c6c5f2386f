// Pasted tickets and join codes: whatever dirt is around a clean one, the clean one is read; a clean one is left alone;
// and no letter or digit is ever taken off, so that nothing becomes a ticket or a code by cleaning.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { maybeMore, readPasted } from "../../src/invite/pasted.ts";
import { newSecret } from "../../src/invite/secret.ts";
import { parseCode, randomWords } from "../../src/wormhole/client/code.ts";
import { cases } from "../support/cases.ts";
import { around, sprinkled, within } from "../support/dirt.ts";

const RUNS = { numRuns: cases(2000) };

const open = fc.stringMatching(/^[a-z2-7]{90,200}$/).map((text) => `endpoint${text}`);
const secret = fc.constant(0).map(newSecret);
const whole = fc.tuple(open, secret).map(([ticket, after]) => `${ticket}.${after}`);
const nameplate = fc.integer({ min: 1, max: 9999 });
const listed = fc.tuple(nameplate, fc.integer({ min: 2, max: 8 })).map(([n, count]) => `${n}-${randomWords(count)}`);
/** Words of other clients: any letters, with the joiners that are part of some words. */
const ownWord = fc.oneof(
	fc.stringMatching(/^[\p{Ll}\p{Lo}\p{Nd}]{1,8}$/u),
	fc.constantFrom("größe", "中文", "می\u200cخواهم", "👩\u200d💻", "👍🏽", "क्\u200dष", "o'neill", "a.b"),
);
const own = fc
	.tuple(nameplate, fc.array(ownWord, { minLength: 1, maxLength: 4 }))
	.map(([n, all]) => [n, ...all].join("-"));

const code = (text: string) => ({ kind: "code", text }) as const;
const ticket = (text: string) => ({ kind: "ticket", text }) as const;

test("a clean ticket or code is left as it is", () => {
	const check = (text: string, expected: object) => expect(readPasted(text)).toEqual(expected as never);
	fc.assert(
		fc.property(whole, (text) => check(text, ticket(text))),
		RUNS,
	);
	fc.assert(
		fc.property(open, (text) => check(text, ticket(text))),
		RUNS,
	);
	fc.assert(
		fc.property(fc.oneof(listed, own), (text) => check(text, code(text))),
		RUNS,
	);
	fc.assert(
		fc.property(own, (text) => {
			expect(readPasted(`${text}!?`, { ownWords: true })).toEqual(code(`${text}!?`));
		}),
		RUNS,
	);
});

test("a ticket with a secret is read whatever is around it, and wherever it was wrapped", () => {
	const dirty = whole.chain((text) =>
		fc.tuple(
			around(),
			sprinkled(text, within(" ", "\u00a0", "\n", "\r\n", "\n> ", " \n\t")),
			around(),
			fc.constant(text),
		),
	);
	fc.assert(
		fc.property(dirty, ([before, middle, after, text]) => {
			expect(readPasted(before + middle + after)).toEqual(ticket(text));
			expect(maybeMore(before + middle + after)).toBe(false);
		}),
		RUNS,
	);
});

test("a ticket without a secret is read, too, but a dot behind it means that its secret was cut off", () => {
	fc.assert(
		fc.property(open, around(), around("."), (text, before, after) => {
			expect(readPasted(before + text + after)).toEqual(ticket(text));
			expect(readPasted(`${before}${text}.${after}`)).toEqual(ticket(`${text}.`));
		}),
		RUNS,
	);
});

test("a join code is read whatever is around it, and whatever stands for its hyphens", () => {
	const hyphen = fc.constantFrom("-", "–", "—", "‐", "‑", "−", " ", "\u00a0", "_", " - ", "\n", "-\u200b");
	const dirty = fc.tuple(around(), listed, hyphen, around()).chain(([before, text, dash, after]) =>
		fc.tuple(
			fc.constant(before),
			sprinkled(text, within()).map((some) => some.replaceAll("-", dash)),
			fc.constant(after),
			fc.constant(text),
		),
	);
	fc.assert(
		fc.property(dirty, ([before, middle, after, text]) => {
			const read = readPasted(before + middle + after);
			expect(read.kind).toBe("code");
			expect(parseCode(read.text).text).toBe(text);
			expect(maybeMore(before + middle + after)).toBe(false);
		}),
		RUNS,
	);
});

test("a code with words of its own is not harmed by what is around it", () => {
	const blank = fc.constantFrom("", " ", "\u00a0\n", "'", "“", "\ufeff");
	fc.assert(
		fc.property(blank, own, blank, (before, text, after) => {
			for (const ownWords of [false, true]) expect(readPasted(before + text + after, { ownWords })).toEqual(code(text));
		}),
		RUNS,
	);
});

/** The letters and digits, in order. */
const letters = (text: string) => text.replace(/[^\p{L}\p{N}]/gu, "");

test("no letter and no digit is taken off or added: what is not a ticket or a code does not become one", () => {
	const piece = fc.oneof(
		fc.string({ unit: "binary", maxLength: 10 }),
		around(),
		fc.constantFrom("5", "hamburger", "endorse", "endpoint", "abc234", "join", "ticket", "-", ".", "…", "a ", "\n"),
	);
	fc.assert(
		fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
			// Without a colon there is no label, without two hyphens no option, and a command begins with its name.
			const text = pieces
				.join("")
				.replace(/[:\p{Pd}]/gu, "-")
				.replace(/-{2,}/g, "-")
				.replace(/^/, "a ");
			const read = readPasted(text);
			expect(letters(read.text)).toBe(letters(text));
			// What was read is clean: reading it again changes nothing.
			expect(readPasted(read.text)).toEqual(read);
		}),
		RUNS,
	);
});

test("the option of a pasted command line is read, and nothing else of it", () => {
	const program = fc.constantFrom("hivemind-p2p", "$ ./hivemind-p2p", "hivemind-p2p.exe", "> hivemind-p2p", "");
	const name = fc.constantFrom("<name>", "peer", "'my peer'", "join");
	const quote = fc.constantFrom("", "'", '"', "’");
	const dashes = fc.constantFrom("--", "—", "–");
	const gap = fc.constantFrom(" ", "=", "\u00a0", " \\\n  ");
	const more = fc.constantFrom("", " -v", " --no-relay", " —timeout 5", "\n", " --frontend-addr 127.0.0.1:0");
	const invitation = fc.oneof(
		whole.map((text) => ({ option: "ticket", expected: ticket(text) })),
		listed.map((text) => ({ option: "join-code", expected: code(text) })),
	);
	fc.assert(
		fc.property(program, name, quote, dashes, gap, more, invitation, (before, me, q, dash, space, after, one) => {
			const { option, expected } = one;
			const command = (rest: string) => `${before} join ${me} ${dash}${option}${space}${q}${expected.text}${q}${rest}`;
			expect(readPasted(command(after))).toEqual(expected);
			const relay = `${after} ${dash}wormhole-relay ws://192.168.1.10:4000`;
			expect(readPasted(command(relay))).toEqual({ ...expected, mailbox: "ws://192.168.1.10:4000" });
			expect(readPasted(`${dash}${option} ${expected.text}`)).toEqual(expected);
		}),
		RUNS,
	);
});

test("the argument of a pasted command line is read, with or without a name beside it", () => {
	const program = fc.constantFrom("hivemind-p2p", "$ ./hivemind-p2p -v", "hivemind-p2p.exe", "> x/hivemind-p2p", "");
	const name = fc.constantFrom("", "my-peer ", "<name> ", "'my peer' ", "--timeout 5 ", "--name 5 ");
	const quote = fc.constantFrom("", "'", '"', "’");
	const more = fc.constantFrom("", " -v", " my-peer", " my-peer --no-relay", " —timeout 5-6", "\n", " \\\n  -vv");
	const invitation = fc.oneof(whole.map(ticket), listed.map(code));
	fc.assert(
		fc.property(program, name, quote, more, invitation, (before, me, q, after, expected) => {
			const command = `${before} join ${me}${q}${expected.text}${q}${after}`;
			expect(readPasted(command)).toEqual(expected);
			const relay = `${command} --wormhole-relay ws://192.168.1.10:4000`;
			expect(readPasted(relay)).toEqual({ ...expected, mailbox: "ws://192.168.1.10:4000" });
		}),
		RUNS,
	);
});

test("a ticket in a pasted command line may be wrapped, also one without a secret", () => {
	const wrapped = fc.oneof(whole, open).chain((text) =>
		fc.tuple(
			fc.constant(text),
			// Its beginning must be recognised.
			sprinkled(text.slice(40), within("\n", "\r\n", "\n> ", " \\\n  ")).map((rest) => text.slice(0, 40) + rest),
		),
	);
	fc.assert(
		fc.property(wrapped, fc.constantFrom("", " --no-relay", "\n"), ([text, dirty], after) => {
			expect(readPasted(`hivemind-p2p join ${dirty}${after}`)).toEqual(ticket(text));
		}),
		RUNS,
	);
});

test("in prose, 'join' is only a word", () => {
	for (const text of ["please join 5-hamburger-endorse", "you may join hivemind-p2p with 5-hamburger-endorse"]) {
		expect(readPasted(text)).toEqual(code(text));
	}
});
