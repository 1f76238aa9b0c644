// Style sheets that a script holds as text; esbuild's loader "text" makes the module.
declare module "*.css" {
  const text: string;
  export default text;
}
