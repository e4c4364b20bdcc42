if (!dataform.projectConfig.vars.less) publish("gone", { type: "table" }).query("select 1 as n");
["kept", "too"].forEach(name => publish(name, { type: "table" }).query("select 1 as n"));
