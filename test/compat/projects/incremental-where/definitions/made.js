declare({ schema: "raw", name: "events" });
publish("events", { type: "incremental" })
  .query(ctx => `select id from ${ctx.ref("raw", "events")}`)
  .where(ctx => `id > (select max(id) from ${ctx.self()})`);
