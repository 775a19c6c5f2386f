// A join code is checked before it is used: a mistyped word is found, and the user is asked what was meant.
import { expect, test } from "bun:test";
import { checkWords } from "../../../src/cli/code-words.ts";
import { randomWords } from "../../../src/wormhole/client/code.ts";
import { resultOr } from "../../support/throws.ts";

/** A person who gives these answers, one after another, and then none. */
function person(...answers: string[]) {
	const questions: string[] = [];
	const ask = async (question: string) => {
		questions.push(question);
		return answers.shift();
	};
	return { questions, ask };
}

const failure = async (work: Promise<string>) => {
	const error = await resultOr("code", work);
	if (typeof error === "string") throw new Error(`no error, but ${error}`);
	return error;
};

test("nothing is asked about a correct code, however it is typed", async () => {
	const { questions, ask } = person();
	for (const count of [2, 3, 8]) {
		const code = `7-${randomWords(count)}`;
		expect(await checkWords(` ${code.toUpperCase().replaceAll("-", " ")} `, ask)).toBe(code);
		expect(await checkWords(code, undefined)).toBe(code);
	}
	expect(questions).toEqual([]);
});

test.each([
	["5-hamburger", "one word"],
	["5 hamburger-", "one word"],
	["5-hamburgr", "one word"],
	[`5-${randomWords(8)}-hamburger`, "9 words"],
])("a code that is cut short, or too long, is not sent: %s", async (code, count) => {
	const { questions, ask } = person("y");
	const { message, hint } = await failure(checkWords(code, ask));
	expect(message).toBe(`The join code has ${count}, and a hub's has 2 to 8.`);
	expect(hint).toBe("Nothing was sent, so the code is still good. --force-code uses it as it is.");
	expect(questions).toEqual([]);
});

test.each(["", "y", "Y", " yes "])("a letter missing: %p accepts the suggestion", async (answer) => {
	const { questions, ask } = person(answer);
	expect(await checkWords("5-hamburgr-endorse", ask)).toBe("5-hamburger-endorse");
	expect(questions).toEqual(["'hamburgr' is not a word of a join code. Did you mean hamburger? [Y/n] "]);
});

test.each(["n", "no", "what?"])("a letter missing: after %p the code is not used", async (answer) => {
	const error = await failure(checkWords("5-hamburgr-endorse", person(answer).ask));
	expect(error.message).toBe("'hamburgr' is not a word of a join code.");
	expect(error.hint).toContain("--force-code");
	expect(error.hint).not.toContain("Did you mean");
});

test("each word in doubt is asked about, and corrected in its place", async () => {
	const { questions, ask } = person("", "y");
	expect(await checkWords("5-hamburger-endors-hamburgr-endorse", ask)).toBe("5-hamburger-endorse-hamburger-endorse");
	expect(questions.map((question) => question.split(" ", 1)[0])).toEqual(["'endors'", "'hamburgr'"]);
});

test("a word that is close to none is used only after a clear yes", async () => {
	for (const answer of ["", "n"]) {
		const { questions, ask } = person(answer);
		const error = await failure(checkWords("5-größe-endorse", ask));
		expect(questions).toEqual([
			"'größe' is not a word of a join code. No word in the list is close. Use it anyway? [y/N] ",
		]);
		expect(error.message).toBe("'größe' is not a word of a join code.");
	}
	expect(await checkWords("5-größe-endorse", person("y").ask)).toBe("5-größe-endorse");
});

test("the end of the input does not count as yes", async () => {
	await failure(checkWords("5-hamburgr-endorse", person().ask));
	await failure(checkWords("5-größe-endorse", person().ask));
});

test("words in the wrong order are swapped", async () => {
	const { questions, ask } = person("");
	expect(await checkWords("5-endorse-hamburger", ask)).toBe("5-hamburger-endorse");
	expect(questions).toEqual([
		"The words of the join code are in the wrong order. Did you mean 5-hamburger-endorse? [Y/n] ",
	]);
});

test("where nobody can be asked, a doubt is an error that says what was meant", async () => {
	const near = await failure(checkWords("5-hamburgr-endorse", undefined));
	expect(near.message).toBe("'hamburgr' is not a word of a join code.");
	expect(near.hint).toMatch(/^Did you mean 'hamburger'\? .*--force-code/);
	const far = await failure(checkWords("5-größe-endorse", undefined));
	expect(far.hint).toMatch(/^No word in the list is close\. .*--force-code/);
	// It may end up in a log, and the code is still good.
	const turned = await failure(checkWords("5-endorse-hamburger", undefined));
	expect(`${turned.message} ${turned.hint}`).not.toContain("hamburger");
});

test("a text that is not a join code is refused first", async () => {
	expect((await failure(checkWords("hamburger-endorse", undefined))).message).toContain("does not begin with a number");
});
