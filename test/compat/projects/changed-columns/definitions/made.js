const { step } = dataform.projectConfig.vars;
const columns = { undefined: "1 as a, 2 as b", two: "2 as b, 'x' as a", three: "1 as c" }[step];
publish("stored", { type: "table" }).query(`select ${columns}`);
publish("shown", { type: "view" }).query(`select ${columns}`);
