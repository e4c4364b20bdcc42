const { RATE } = require("../includes/constants");
publish("rates", { type: "table" }).query(`select ${RATE} as rate, ${words.inCountries("'x'")} as is_known`);
