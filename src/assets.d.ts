// Files that the bundler puts in as text.
declare module "*.html" {
	const text: string;
	export default text;
}
