if (dataform.projectConfig.vars.env === "prod") publish("only_prod", { type: "table" }).query("select 1 as a");
