// The module "worker:NAME": the bundled script of a worker, as text; ../worker_source.mjs makes it.
declare module "worker:*" {
  const text: string;
  export default text;
}
