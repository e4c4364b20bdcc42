publish("a", { type: dataform.projectConfig.vars.type || "table" }).query("select 1 as n");
