publish("a", "select 1 as id");
publish("b", ctx => `select * from ${ctx.ref("a")}`);
publish("c", { type: "table", description: "C", tags: ["x"], columns: { id: "Number" } }).query(ctx => `select id from ${ctx.ref("b")}`);
publish("d", { type: "incremental", uniqueKey: ["id"] })
  .query(ctx => `select id from ${ctx.ref("c")} ${ctx.when(ctx.incremental(), "where id > 0")}`)
  .preOps("select 1")
  .postOps(ctx => [`select 2`, `analyze ${ctx.self()}`]);
publish("e", { type: "view", schema: "other" }).query(ctx => `select '${ctx.name()}' as name, '${ctx.schema()}' as schema`);
["x", "y"].forEach(name => publish(`of_${name}`, { type: "table" }).query(`select '${name}' as name`));
publish("f", { type: "table" }).query("select 1 as a").tags(["x", "y"]).description("F");
publish("g", { type: "table", assertions: { uniqueKey: ["id"] } }).query(ctx => `select * from ${ctx.ref({ schema: "shop", name: "a" })}`);
publish("h", { type: "table", disabled: true }).query("select 1 as a");
publish("i", { type: "table", dependencies: ["a", "c"] }).query("select 1 as a");
