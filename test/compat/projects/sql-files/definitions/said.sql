${config({ type: "table", description: "Said", tags: ["x"] })}
select a from ${ref("plain")}
